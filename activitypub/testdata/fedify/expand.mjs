// Expands JSON-LD documents with nothing but the contexts of one folder.
//
//	node expand.mjs CONTEXT_DIR < documents.json
//
// reads [{"name", "doc"}] and prints [{"name", "blanks", "error"}]: blanks are the
// names starting with "_:", which is what the ActivityStreams context makes of every
// term that nobody defined, and properties and types that are no http address, which is what becomes of
// a prefix that nobody defined; error is null, or why the document cannot be expanded
// without loss (a context that is not in the folder, a term that would be dropped).
import jsonld from "jsonld";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const files = {
  "https://www.w3.org/ns/activitystreams": "activitystreams.json",
  "https://www.w3.org/ns/did/v1": "did-v1.json",
  "https://w3id.org/security/v1": "security-v1.json",
  "https://w3id.org/security/data-integrity/v1": "security-data-integrity-v1.json",
  "https://w3id.org/security/data-integrity/v2": "security-data-integrity-v2.json",
  "https://w3id.org/security/multikey/v1": "security-multikey-v1.json",
  "https://w3id.org/identity/v1": "identity-v1.json",
  "https://w3id.org/fep/5711": "fep-5711.json",
  "https://w3id.org/fep/7aa9": "fep-7aa9.json",
  "https://w3id.org/fep/ef61": "fep-ef61.json",
  "https://purl.archive.org/socialweb/webfinger": "webfinger.json",
  "https://purl.archive.org/miscellany": "miscellany.json",
  "https://gotosocial.org/ns": "gotosocial.json",
  "https://join-lemmy.org/context.json": "join-lemmy.json",
  "http://joinmastodon.org/ns": "joinmastodon.json",
  "http://schema.org/": "schemaorg.json",
  "https://schema.org/": "schemaorg.json",
};

const [folder] = process.argv.slice(2);
if (!folder) {
  console.error("usage: node expand.mjs CONTEXT_DIR < documents.json");
  process.exit(2);
}

const results = [];
for (const { name, doc } of JSON.parse(readFileSync(0, "utf8"))) {
  const blanks = new Set();
  let error = null;
  try {
    collect(await jsonld.expand(doc, { documentLoader }), blanks);
    // safe refuses what expanding would drop without a word.
    await jsonld.expand(doc, { documentLoader, safe: true });
  } catch (e) {
    error = explain(e);
  }
  results.push({ name, blanks: [...blanks].sort(), error });
}
console.log(JSON.stringify(results, null, 1));

async function documentLoader(url) {
  if (!Object.hasOwn(files, url)) throw new Error(`${url} would have to be fetched`);
  return { contextUrl: null, documentUrl: url, document: JSON.parse(readFileSync(join(folder, files[url]), "utf8")) };
}

function collect(value, blanks) {
  if (Array.isArray(value)) return value.forEach((item) => collect(item, blanks));
  if (typeof value === "string") return void (value.startsWith("_:") && blanks.add(value));
  if (value === null || typeof value !== "object") return;
  for (const [key, inner] of Object.entries(value)) {
    if (!/^(@|https?:)/.test(key)) blanks.add(key);
    if (key === "@type") for (const type of [inner].flat()) if (!/^https?:/.test(type)) blanks.add(type);
    if (key !== "@value") collect(inner, blanks); // a literal may say what it likes
  }
}

// jsonld puts the reason that helps into the cause or the details.
function explain(e) {
  const event = e.details?.event;
  const at = event?.details ?? {};
  const subject = at.property ?? at.type ?? at.id ?? at.reference ?? "";
  const parts = [e.message, event && `${event.message} ${typeof subject === "string" ? subject : JSON.stringify(subject)}`,
    e.details?.cause?.message ?? e.cause?.message];
  return parts.filter(Boolean).join(": ").trim();
}
