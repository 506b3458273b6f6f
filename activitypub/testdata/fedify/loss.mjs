// What a document loses when Fedify reads it and writes it anew from what it understood.
//
// Fedify's vocabulary says which properties each of its classes has (its src/*.yaml).
// Of a node of a class that it knows, each property that the class has must come back
// with the same values in the same order, and nothing must be added; so must the id and
// each type that it knows. Properties and types that it does not know are listed: they
// stay in the JSON that it keeps, and are gone when it writes the object anew.
import jsonld from "jsonld";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { parse } from "yaml";

const classes = readClasses();

// lossOf compares a document with its expansion by Fedify.
export async function lossOf(document, written, contextLoader) {
  const documentLoader = (url) => contextLoader(url);
  const found = { lost: [], unknown: new Set() };
  const original = await jsonld.expand(document, { documentLoader });
  compareValues(original, written, "", found);
  return { lost: found.lost, unknown: [...found.unknown].sort() };
}

function readClasses() {
  const folder = join(dirname(createRequire(import.meta.url).resolve("@fedify/vocab/package.json")), "src");
  const read = readdirSync(folder).filter((name) => name.endsWith(".yaml")).map((name) => parse(readFileSync(join(folder, name), "utf8")));
  return new Map(read.map((c) => [c.uri, { above: c.extends, properties: new Set(c.properties.map((p) => p.uri)) }]));
}

function knows(types, property) {
  for (let type of types) {
    for (let c = classes.get(type); c; c = classes.get(c.above)) if (c.properties.has(property)) return true;
  }
  return false;
}

function compareValues(before, after, path, found) {
  if (before.length !== after.length) {
    found.lost.push(`${path}: ${before.length} values, then ${after.length}: ${JSON.stringify(before)} / ${JSON.stringify(after)}`);
    return;
  }
  before.forEach((value, i) => compare(value, after[i], before.length > 1 ? `${path}[${i}]` : path, found));
}

function compare(before, after, path, found) {
  if ("@list" in before) {
    if (!("@list" in after)) found.lost.push(`${path}: the order`);
    else compareValues(before["@list"], after["@list"], path, found);
    return;
  }
  if ("@value" in before) {
    for (const part of ["@value", "@language"]) {
      if (literal(before, part) !== literal(after, part)) found.lost.push(`${path}: ${JSON.stringify(before)}, then ${JSON.stringify(after)}`);
    }
    return;
  }
  if (before["@id"] !== after["@id"]) found.lost.push(`${path}: id ${before["@id"]}, then ${after["@id"]}`);
  const types = before["@type"] ?? [];
  for (const type of types) {
    if (!classes.has(type)) found.unknown.add(`type ${type}`);
    else if (!(after["@type"] ?? []).includes(type)) found.lost.push(`${path}: type ${type}`);
  }
  // What has no type is understood by the property that it stands in.
  const understood = types.length ? types : (after["@type"] ?? []);
  for (const [property, values] of Object.entries(before)) {
    if (property.startsWith("@")) continue;
    if (knows(understood, property)) compareValues(values, after[property] ?? [], `${path} ${property}`, found);
    else found.unknown.add(property);
  }
  for (const property of Object.keys(after)) {
    if (!property.startsWith("@") && !(property in before)) found.lost.push(`${path}: ${property} was not there`);
  }
}

// A time is the same however it is written.
function literal(value, part) {
  const it = value[part];
  return part === "@value" && /#dateTime$/.test(value["@type"] ?? "") ? Date.parse(it) : it;
}
