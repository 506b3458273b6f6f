// A small fediverse server on Fedify 2.3.6, for coopnode's tests to talk to.
//
//	node peer.mjs --port 9000 [--host localhost] [--first-knock draft|rfc9421]
//	              [--takes draft|rfc9421] [--authorize] [--cert FILE --key FILE]
//	              [--lifetime 300] [--debug]
//
// It prints "ready http://localhost:9000" when it answers; with a certificate it speaks
// https. What it saw and what it is to do goes through /control (control.mjs).
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { parseArgs } from "node:util";
import { specs } from "./specs.mjs";

// Fedify 2.3 expects a runtime with navigator, which Node 20 does not have: without
// this line the process dies at the first signature it has to verify.
globalThis.navigator ??= { userAgent: `Node.js/${process.versions.node}` };

const options = readOptions();

serve(options.port, options).then((origin) => console.log(`ready ${origin}`), (error) => {
  const hint = error.code === "ERR_MODULE_NOT_FOUND" ? "; run npm ci --ignore-scripts in its folder" : "";
  console.error(`peer: cannot start: ${error.message}${hint}`);
  process.exit(1);
});

// serve starts a server and gives its address. All servers of a process have the same
// certificate; a second one comes by /control/another, for a process takes seconds to start.
async function serve(port, { firstKnock, takes, authorize }) {
  // The address must be known before the federation is made, and with --port 0 only
  // the open socket knows it; requests that come in between wait.
  let peerIsMade;
  const peer = new Promise((resolve) => (peerIsMade = resolve));
  const listener = (req, res) => {
    peer.then((it) => answer(it, req, res)).catch((error) => {
      console.error(error);
      if (!res.headersSent) res.writeHead(500, { "Content-Type": "text/plain" });
      res.end(String(error?.stack ?? error));
    });
  };
  const server = options.tls ? https.createServer(options.tls, listener) : http.createServer(listener);
  await new Promise((resolve, reject) => {
    server.on("error", reject);
    server.listen(port, options.host === "localhost" ? "127.0.0.1" : options.host, resolve);
  });
  const origin = `${options.tls ? "https" : "http"}://${options.host}:${server.address().port}`;
  const { Peer } = await import("./federation.mjs");
  const { control } = await import("./control.mjs");
  const made = await Peer.make({ origin, firstKnock, takes, authorize, debug: options.debug });
  made.another = (more) => serve(0, more);
  peerIsMade({ made, control });
  return origin;
}

for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));
setTimeout(() => {
  console.error(`peer: its ${options.lifetime} s are over`);
  process.exit(0);
}, options.lifetime * 1000);

async function answer({ made, control }, req, res) {
  const body = await bytesOf(req);
  const url = new URL(req.url, made.origin);
  if (url.pathname.startsWith("/control/")) {
    const { status, json } = await control(made, req.method, url, body);
    res.writeHead(status, { "Content-Type": "application/json" });
    res.end(JSON.stringify(json, null, 1) + "\n");
    return;
  }
  const response = await made.answer(req, url, body);
  res.writeHead(response.status, Object.fromEntries(response.headers));
  res.end(Buffer.from(await response.arrayBuffer()));
}

async function bytesOf(req) {
  const parts = [];
  for await (const part of req) parts.push(part);
  return Buffer.concat(parts);
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        port: { type: "string" },
        host: { type: "string", default: "localhost" },
        "first-knock": { type: "string", default: "rfc9421" },
        takes: { type: "string" },
        authorize: { type: "boolean", default: false },
        cert: { type: "string" },
        key: { type: "string" },
        lifetime: { type: "string", default: "300" },
        debug: { type: "boolean", default: false },
      },
    });
    const port = Number(values.port), lifetime = Number(values.lifetime);
    const firstKnock = values["first-knock"];
    if (!/^\d+$/.test(values.port ?? "") || port > 65535) throw new Error("--port needs a number, 0 for any free port");
    if (!(lifetime > 0 && lifetime < 86400)) throw new Error("--lifetime needs a number of seconds");
    if (!specs[firstKnock]) throw new Error("--first-knock is draft or rfc9421");
    if (values.takes && !specs[values.takes]) throw new Error("--takes is draft or rfc9421, or left out for both");
    if (!values.cert !== !values.key) throw new Error("--cert and --key go together");
    const tls = values.cert && { cert: readFileSync(values.cert), key: readFileSync(values.key) };
    return { port, host: values.host, firstKnock, takes: values.takes, authorize: values.authorize, tls, lifetime, debug: values.debug };
  } catch (error) {
    console.error(`peer: ${error.message}`);
    process.exit(2);
  }
}
