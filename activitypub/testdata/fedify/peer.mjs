// A small fediverse server on Fedify 2.3.6, for coopnode's tests to talk to.
//
//	node peer.mjs --port 9000 [--host localhost] [--first-knock draft|rfc9421]
//	              [--authorize] [--lifetime 300] [--debug]
//
// It prints "ready http://localhost:9000" when it answers. What it saw and what it
// is to do goes through /control (control.mjs).
import { createServer } from "node:http";
import { parseArgs } from "node:util";

// Fedify 2.3 expects a runtime with navigator, which Node 20 does not have: without
// this line the process dies at the first signature it has to verify.
globalThis.navigator ??= { userAgent: `Node.js/${process.versions.node}` };

const specs = { draft: "draft-cavage-http-signatures-12", rfc9421: "rfc9421" };
const options = readOptions();

// The address must be known before the federation is made, and with --port 0 only
// the open socket knows it; requests that come in between wait.
let peerIsMade;
const peer = new Promise((resolve) => (peerIsMade = resolve));
const server = createServer((req, res) => {
  answer(req, res).catch((error) => {
    console.error(error);
    if (!res.headersSent) res.writeHead(500, { "Content-Type": "text/plain" });
    res.end(String(error?.stack ?? error));
  });
});
server.on("error", (error) => {
  console.error(`peer: cannot listen on ${options.host}:${options.port}: ${error.message}`);
  process.exit(1);
});
server.listen(options.port, options.host === "localhost" ? "127.0.0.1" : options.host, async () => {
  const origin = `http://${options.host}:${server.address().port}`;
  try {
    const { Peer } = await import("./federation.mjs");
    const { control } = await import("./control.mjs");
    peerIsMade({ made: await Peer.make({ ...options, origin }), control });
  } catch (error) {
    const hint = error.code === "ERR_MODULE_NOT_FOUND" ? "; run npm ci --ignore-scripts in its folder" : "";
    console.error(`peer: cannot start: ${error.message}${hint}`);
    process.exit(1);
  }
  console.log(`ready ${origin}`);
});

for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));
setTimeout(() => {
  console.error(`peer: its ${options.lifetime} s are over`);
  process.exit(0);
}, options.lifetime * 1000);

async function answer(req, res) {
  const { made, control } = await peer;
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
        authorize: { type: "boolean", default: false },
        lifetime: { type: "string", default: "300" },
        debug: { type: "boolean", default: false },
      },
    });
    const port = Number(values.port), lifetime = Number(values.lifetime);
    const firstKnock = specs[values["first-knock"]];
    if (!/^\d+$/.test(values.port ?? "") || port > 65535) throw new Error("--port needs a number, 0 for any free port");
    if (!(lifetime > 0 && lifetime < 86400)) throw new Error("--lifetime needs a number of seconds");
    if (!firstKnock) throw new Error("--first-knock is draft or rfc9421");
    return { port, host: values.host, firstKnock, authorize: values.authorize, lifetime, debug: values.debug };
  } catch (error) {
    console.error(`peer: ${error.message}`);
    process.exit(2);
  }
}
