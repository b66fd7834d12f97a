"""The OpenAI API and SDK as data, for whichever middleware meters them: importing it activates nothing."""
