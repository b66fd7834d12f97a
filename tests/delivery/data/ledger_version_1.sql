BEGIN TRANSACTION;
CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
INSERT INTO "counter" VALUES('recorded',12);
INSERT INTO "counter" VALUES('torn',2);
INSERT INTO "counter" VALUES('evicted',5);
CREATE TABLE journal (name TEXT PRIMARY KEY, position INTEGER NOT NULL);
INSERT INTO "journal" VALUES('0-1-dead.1.jnl',1234);
CREATE TABLE record (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL, kind TEXT NOT NULL, created REAL NOT NULL,
    base_url TEXT NOT NULL, credential TEXT NOT NULL, state INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, first_attempt REAL, next_attempt REAL NOT NULL DEFAULT 0,
    lease TEXT, reason TEXT, finished REAL, provider, model, organization_name, product_name, agent, task_type, total_cost, cost_status, usage_source, input_tokens INTEGER, output_tokens INTEGER, priced_with TEXT, body TEXT NOT NULL,
    UNIQUE (id, credential, base_url)
);
INSERT INTO "record" VALUES(1,'waiting','completion',1700000000.0,'http://127.0.0.1:9/meter/','1f2e3d4c5b6a7988',0,0,NULL,0.0,NULL,NULL,NULL,'OPENAI','m',NULL,NULL,NULL,NULL,NULL,NULL,NULL,1,2,NULL,'{"model":"m","provider":"OPENAI","total_token_count":3,"input_token_count":1,"output_token_count":2}');
INSERT INTO "record" VALUES(2,'tried','completion',1700000000.0,'http://127.0.0.1:9/meter/','1f2e3d4c5b6a7988',0,2,4102444800.0,4102444800.5,NULL,NULL,NULL,'OPENAI','m',NULL,NULL,NULL,NULL,NULL,NULL,NULL,1,2,NULL,'{"model":"m","provider":"OPENAI","total_token_count":3,"input_token_count":1,"output_token_count":2}');
INSERT INTO "record" VALUES(3,'leased','completion',1700000000.0,'http://127.0.0.1:9/meter/','1f2e3d4c5b6a7988',0,1,4102444800.0,0.0,'0-1-dead',NULL,NULL,'OPENAI','m',NULL,NULL,NULL,NULL,NULL,NULL,NULL,1,2,NULL,'{"model":"m","provider":"OPENAI","total_token_count":3,"input_token_count":1,"output_token_count":2}');
INSERT INTO "record" VALUES(4,'delivered','completion',1700000000.0,'http://127.0.0.1:9/meter/','1f2e3d4c5b6a7988',1,1,NULL,0.0,NULL,NULL,4102444800.0,'OPENAI','m',NULL,NULL,NULL,NULL,NULL,NULL,NULL,1,2,NULL,'{"model":"m","provider":"OPENAI","total_token_count":3,"input_token_count":1,"output_token_count":2}');
INSERT INTO "record" VALUES(5,'refused','completion',1700000000.0,'http://127.0.0.1:9/meter/','1f2e3d4c5b6a7988',3,1,NULL,0.0,NULL,'HTTP 400',1700000001.0,'OPENAI','m',NULL,NULL,NULL,NULL,NULL,NULL,NULL,1,2,NULL,'{"model":"m","provider":"OPENAI","total_token_count":3,"input_token_count":1,"output_token_count":2}');
INSERT INTO "record" VALUES(6,'local','completion',1700000000.0,'','',2,0,NULL,0.0,NULL,NULL,NULL,'OPENAI','m',NULL,NULL,NULL,NULL,NULL,NULL,NULL,1,2,NULL,'{"model":"m","provider":"OPENAI","total_token_count":3,"input_token_count":1,"output_token_count":2}');
INSERT INTO "record" VALUES(7,'expired','completion',1700000000.0,'http://127.0.0.1:9/meter/','1f2e3d4c5b6a7988',4,9,1699900000.0,0.0,NULL,'outcome of an attempt over 24 h ago is unknown',1700000001.0,'OPENAI','m',NULL,NULL,NULL,NULL,NULL,NULL,NULL,1,2,NULL,'{"model":"m","provider":"OPENAI","total_token_count":3,"input_token_count":1,"output_token_count":2}');
CREATE INDEX record_pending ON record (credential, base_url, next_attempt) WHERE state = 0;
CREATE INDEX record_created ON record (created);
COMMIT;
PRAGMA user_version = 1;
