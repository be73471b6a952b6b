// Becomes one of the servers that are npm packages, on loopback only, wherever the package itself would listen.
//
//   node start.cjs PACKAGES SERVICE PORT FOLDER [WORD...]   PACKAGES is the folder with node_modules; what the server keeps
//                                                           is in FOLDER; a WORD is for those that look for the process
//
// Says `listens on PORT` for each port once it does. Environment variables that a server knows are left to it.

"use strict";

const net = require("node:net");
const path = require("node:path");

const [packages, service, port, folder] = process.argv.slice(2);

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (...asked) {
  const first = asked[0] !== null && typeof asked[0] === "object" ? asked[0] : { port: asked[0] };
  const ready = asked.find((one) => typeof one === "function");
  this.once("listening", () => console.log(`listens on ${this.address().port}`));
  return listen.call(this, { ...first, host: "127.0.0.1" }, ready);
};

const load = (name) => require(path.join(packages, "node_modules", name));

// What AWS takes seconds or minutes for.
const quick = 50;

const servers = {
  // Its streams are gone when it ends.
  kinesis() {
    const works = ["CREATE_STREAM", "DELETE_STREAM", "REGISTER_STREAM_CONSUMER", "DEREGISTER_STREAM_CONSUMER",
      "START_STREAM_ENCRYPTION", "STOP_STREAM_ENCRYPTION", "MERGE_SHARDS", "SPLIT_SHARD", "UPDATE_SHARD_COUNT",
      "UPDATE_STREAM_MODE"];
    const settings = Object.fromEntries(works.map((work) => [`${work}_DURATION`, `${quick}ms`]));
    Object.assign(settings, {
      KINESIS_MOCK_PLAIN_PORT: port,
      KINESIS_MOCK_TLS_PORT: String(Number(port) + 1),
      KINESIS_MOCK_CERT_PATH: path.join(packages, "node_modules/kinesis-local/server.json"),
      SHARD_LIMIT: "10000",
      ON_DEMAND_STREAM_COUNT_LIMIT: "1000",
      LOG_LEVEL: "WARN",
    });
    process.env = { ...settings, ...process.env };
    process.chdir(folder);
    load("kinesis-local/main.js");
  },

  kinesalite() {
    const times = { createStreamMs: quick, deleteStreamMs: quick, updateStreamMs: quick };
    load("kinesalite")({ ...times, shardLimit: 10000, path: path.join(folder, "data") }).listen(port);
  },

  dynamodb() {
    const times = { createTableMs: quick, deleteTableMs: quick, updateTableMs: quick };
    load("dynalite")({ ...times, path: path.join(folder, "data") }).listen(port);
  },
};

servers[service]();
