"""``python -m revenium_middleware`` is ``revenium-meter``."""

from .cli import main

if __name__ == "__main__":
    main()
