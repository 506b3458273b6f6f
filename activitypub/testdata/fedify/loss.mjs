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
  compareValues(original, written, [], "", found);
  return { lost: found.lost, unknown: [...found.unknown].sort() };
}

function readClasses() {
  const folder = join(dirname(createRequire(import.meta.url).resolve("@fedify/vocab/package.json")), "src");
  const read = readdirSync(folder).filter((name) => name.endsWith(".yaml")).map((name) => parse(readFileSync(join(folder, name), "utf8")));
  return new Map(read.map((c) => [c.uri, { above: c.extends, ranges: new Map(c.properties.map((p) => [p.uri, p.range])) }]));
}

// rangeOf is what a property may hold where one of the types has it; undefined where none has.
function rangeOf(types, property) {
  for (const type of types) {
    for (let c = classes.get(type); c; c = classes.get(c.above)) if (c.ranges.has(property)) return c.ranges.get(property);
  }
}

// compareValues compares the values of a property that may hold these types. An empty list is as good as none.
function compareValues(before, after, range, path, found) {
  before = before.filter((value) => value["@list"]?.length !== 0);
  if (before.length !== after.length) {
    found.lost.push(`${path}: ${before.length} values, then ${after.length}: ${JSON.stringify(before)} / ${JSON.stringify(after)}`);
    return;
  }
  before.forEach((value, i) => compare(value, after[i], range, before.length > 1 ? `${path}[${i}]` : path, found));
}

function compare(before, after, range, path, found) {
  if ("@list" in before) {
    if (!("@list" in after)) found.lost.push(`${path}: the order`);
    // Fedify writes what stands in a list as lists of one.
    else compareValues(before["@list"], after["@list"].map((v) => (v["@list"]?.length === 1 ? v["@list"][0] : v)), range, path, found);
    return;
  }
  if ("@value" in before) {
    if (literal(before) !== literal(after) || before["@language"] !== after["@language"]) {
      found.lost.push(`${path}: ${JSON.stringify(before)}, then ${JSON.stringify(after)}`);
    }
    return;
  }
  if (before["@id"] !== after["@id"]) found.lost.push(`${path}: id ${before["@id"]}, then ${after["@id"]}`);
  const types = before["@type"] ?? [];
  for (const type of types) {
    if (!classes.has(type)) found.unknown.add(`type ${type}`);
    else if (!(after["@type"] ?? []).includes(type)) found.lost.push(`${path}: type ${type}`);
  }
  const understood = types.length ? types : range; // what says no type is of one that may stand there
  for (const [property, values] of Object.entries(before)) {
    if (property.startsWith("@")) continue;
    const inner = rangeOf(understood, property);
    if (inner) compareValues(values, after[property] ?? [], inner, `${path} ${property}`, found);
    else found.unknown.add(property);
  }
  for (const property of Object.keys(after)) {
    if (!property.startsWith("@") && !(property in before)) found.lost.push(`${path}: ${property} was not there`);
  }
}

// A time is the same however it is written.
function literal(value) {
  return /#dateTime$/.test(value["@type"] ?? "") ? Date.parse(value["@value"]) : value["@value"];
}
