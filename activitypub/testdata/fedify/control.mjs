// What a test can ask of the peer: JSON over HTTP under /control (see README.md).
//
// 200 is done, 400 a request that makes no sense, 502 that the other server did not
// do its part; with both comes {"error": ...}.
import { parseNodeInfo } from "@fedify/fedify/nodeinfo";
import { signRequest, verifyRequestDetailed } from "@fedify/fedify/sig";
import {
  Announce, Block, Create, Delete, Follow, isActor, Like, Mention, Move, Note, Object as APObject,
  PUBLIC_COLLECTION, Tombstone, Undo, Update,
} from "@fedify/vocab";
import { getDocumentLoader } from "@fedify/vocab-runtime";
import { Temporal } from "@js-temporal/polyfill";
import { randomUUID } from "node:crypto";
import { people } from "./federation.mjs";
import { lossOf } from "./loss.mjs";
import { specs } from "./specs.mjs";

// control does what one request asks; it never throws.
export async function control(peer, method, url, body) {
  const name = url.pathname.slice("/control/".length);
  try {
    if (method === "GET" && name === "events") return ok(events(peer, url.searchParams));
    if (method === "GET" && name === "state") return ok(state(peer));
    if (method !== "POST" || !Object.hasOwn(acts, name)) throw new BadRequest(`no ${method} /control/${name} here`);
    return ok(await acts[name](peer, inputOf(body)));
  } catch (error) {
    if (error instanceof BadRequest) return { status: 400, json: { error: error.message } };
    return {
      status: 502,
      json: {
        error: reasons(error).join(": "),
        ...(error.statusCode && { status: error.statusCode, inbox: error.inbox?.href, answer: error.responseBody }),
      },
    };
  }
}

class BadRequest extends Error {}

// reasons unwraps an error: that a connection was refused stands in the innermost one.
function reasons(error) {
  const texts = new Set();
  for (let e = error; e != null; e = e.cause ?? e.errors?.[0]) texts.add(e.message || e.code || String(e));
  return [...texts];
}

const ok = (json) => ({ status: 200, json });

function inputOf(body) {
  try {
    const input = JSON.parse(body.toString() || "{}");
    return { ...input, as: person(input.as ?? people[0]) };
  } catch (error) {
    throw error instanceof BadRequest ? error : new BadRequest(`the body is not JSON: ${error.message}`);
  }
}

function person(name) {
  if (!people.includes(name)) throw new BadRequest(`"as" is one of ${people.join(", ")}, not ${name}`);
  return name;
}

function address(input, field) {
  if (!URL.canParse(input[field])) throw new BadRequest(`"${field}" needs an address, not ${JSON.stringify(input[field])}`);
  return new URL(input[field]);
}

function events(peer, query) {
  const after = Number(query.get("after") ?? 0), kind = query.get("kind"), type = query.get("type");
  const found = peer.events.filter((e) => e.seq > after && (!kind || e.kind === kind) && (!type || e.type === type));
  if (query.get("clear")) peer.events.length = 0;
  return found;
}

function state(peer) {
  const hrefs = (list) => list.map((id) => id.href);
  return Object.fromEntries(people.map((name) => [name, {
    followers: [...peer.followers.get(name).keys()],
    following: hrefs(peer.following(name, "accepted")),
    pending: hrefs(peer.following(name, "pending")),
    rejected: hrefs(peer.following(name, "rejected")),
    reactions: [...peer.reactions.values()]
      .filter((r) => r.objectId?.href.startsWith(`${me(peer, name)}/`))
      .map((r) => `${className(r)} ${r.objectId.href} ${r.actorId.href}`),
  }]));
}

const acts = {
  async lookup(peer, input) {
    const { object, remote } = await lookup(peer, input.as, input.address, input.signed ?? true);
    const { contextLoader } = peer.context();
    return {
      class: className(object),
      id: object.id?.href ?? null,
      url: remote.documentUrl,
      document: remote.document,
      expanded: await object.toJsonLd({ format: "expand", contextLoader }),
      compact: await object.toJsonLd({ format: "compact", contextLoader }),
    };
  },

  // parse reads a document as if it had come from its id, and says what was lost by it (loss.mjs).
  async parse(peer, { as, document }) {
    const { contextLoader } = peer.context(), documentLoader = await loader(peer, as, true);
    const object = await APObject.fromJsonLd(document, { documentLoader, contextLoader, baseUrl: address({ id: document?.id }, "id") });
    const expanded = await object.toJsonLd({ format: "expand", contextLoader });
    return { class: className(object), id: object.id?.href ?? null, ...(await lossOf(document, expanded, contextLoader)) };
  },

  // collection walks a collection page by page, as a server does that reads back.
  async collection(peer, input) {
    const { object } = await lookup(peer, input.as, input.address, input.signed ?? true);
    if (typeof object.getItems !== "function") throw new Error(`${input.address} is a ${className(object)}, not a collection`);
    const ctx = peer.context(), items = [];
    const documentLoader = await loader(peer, input.as, input.signed ?? true);
    for await (const item of ctx.traverseCollection(object, { documentLoader, contextLoader: ctx.contextLoader })) {
      items.push({ class: className(item), id: item.id?.href ?? item.href?.href ?? null });
    }
    return { class: className(object), totalItems: object.totalItems, items };
  },

  // Fedify's own WebFinger and NodeInfo look-ups insist on https, so these two fetch plainly: over http, and for
  // NodeInfo always, for Fedify's has no switch for private addresses.
  async webfinger(peer, input) {
    return webfinger(input.resource, input.base);
  },
  async nodeinfo(peer, input) {
    const index = await fetchJson(new URL("/.well-known/nodeinfo", address(input, "base")));
    const found = [];
    for (const link of index.links ?? []) {
      const document = await fetchJson(new URL(link.href));
      // null when Fedify's strict reader does not take the document.
      found.push({ rel: link.rel, href: link.href, valid: parseNodeInfo(document) !== null, document });
    }
    return { links: found };
  },

  async follow(peer, { as, ...input }) {
    const target = await actor(peer, as, address(input, "actor"));
    const activity = new Follow({
      id: peer.address(as, Follow), actor: me(peer, as), object: target.id, to: target.id,
    });
    return send(peer, as, [target], activity, {}, { state: "pending" });
  },
  unfollow: (peer, { as, ...input }) => undo(peer, as, Follow, address(input, "actor")),

  async note(peer, { as, content, to = "followers", visibility, inReplyTo, mention = [], shared }) {
    if (typeof content !== "string") throw new BadRequest('"content" needs HTML text');
    const mentions = await actors(peer, as, [mention].flat());
    const others = to === "followers" ? followersOf(peer, as) : await actors(peer, as, [to].flat());
    const note = new Note({
      id: peer.context().getObjectUri(Note, { identifier: as, id: randomUUID() }),
      attribution: me(peer, as),
      content,
      published: Temporal.Now.instant(),
      replyTarget: inReplyTo ? address({ inReplyTo }, "inReplyTo") : null,
      tags: mentions.map((who) => new Mention({ href: who.id, name: handleOf(who) })),
      ...addressees(peer, as, visibility ?? (to === "followers" ? "public" : "direct"), [
        ...mentions, ...(to === "followers" ? [] : others)]),
    });
    peer.notes.set(note.id.href, note);
    const activity = aboutNote(peer, as, Create, note, { published: note.published });
    const result = await send(peer, as, [...others, ...mentions], activity, { shared });
    return { note: note.id.href, ...result };
  },
  async "update-note"(peer, { as, content, ...input }) {
    if (typeof content !== "string") throw new BadRequest('"content" needs HTML text');
    const note = own(peer, as, input).clone({ content, updated: Temporal.Now.instant() });
    peer.notes.set(note.id.href, note);
    return send(peer, as, await audience(peer, as, note), aboutNote(peer, as, Update, note), input);
  },
  async "delete-note"(peer, { as, ...input }) {
    const note = own(peer, as, input);
    const tombstone = new Tombstone({ id: note.id, deleted: Temporal.Now.instant() });
    peer.notes.set(note.id.href, tombstone);
    const activity = new Delete({
      id: peer.address(as, Delete), actor: me(peer, as), object: tombstone, tos: note.toIds, ccs: note.ccIds,
    });
    return send(peer, as, await audience(peer, as, note), activity, input);
  },

  async like(peer, { as, ...input }) {
    const object = address(input, "object"), author = await authorOf(peer, as, object);
    return send(peer, as, [author], new Like({
      id: peer.address(as, Like), actor: me(peer, as), object, to: author.id,
    }), input);
  },
  unlike: (peer, { as, ...input }) => undo(peer, as, Like, address(input, "object")),
  async announce(peer, { as, ...input }) {
    const object = address(input, "object"), author = await authorOf(peer, as, object);
    return send(peer, as, [...followersOf(peer, as), author], new Announce({
      id: peer.address(as, Announce), actor: me(peer, as), object, published: Temporal.Now.instant(),
      ...addressees(peer, as, "public", [author]),
    }), input);
  },
  unannounce: (peer, { as, ...input }) => undo(peer, as, Announce, address(input, "object")),

  async block(peer, { as, ...input }) {
    const target = await actor(peer, as, address(input, "actor"));
    return send(peer, as, [target], new Block({ id: peer.address(as, Block), actor: me(peer, as), object: target.id, to: target.id }), input);
  },
  unblock: (peer, { as, ...input }) => undo(peer, as, Block, address(input, "actor")),

  // move tells the followers that the person is another one of here now, who says the same.
  async move(peer, { as, ...input }) {
    peer.moves.set(as, person(input.to));
    return send(peer, as, followersOf(peer, as), new Move({
      id: peer.address(as, Move), actor: me(peer, as), object: me(peer, as), target: me(peer, input.to),
      to: peer.context().getFollowersUri(as),
    }), input);
  },
  // new-keys takes effect at once: what is sent from now on is signed with the new ones.
  async "new-keys"(peer, { as }) {
    await peer.renewKeys(as);
    return { keyId: (await peer.context().getActorKeyPairs(as))[0].keyId.href };
  },

  // another starts one more server in this process.
  async another(peer, { firstKnock = "rfc9421", takes, authorize = false }) {
    if (!specs[firstKnock] || (takes && !specs[takes])) throw new BadRequest('"firstKnock" and "takes" are draft or rfc9421');
    return { base: await peer.another({ firstKnock, takes, authorize }) };
  },

  "answer-follows": (peer, input) => {
    if (!["accept", "reject", "none"].includes(input.with)) throw new BadRequest('"with" is accept, reject or none');
    peer.answerFollowsWith = input.with;
    return { with: input.with };
  },

  // post-raw signs whatever it is given and posts it; spec none leaves the signature out.
  async "post-raw"(peer, { as, body, spec = "draft", headers = {}, ...input }) {
    if (typeof body !== "string") throw new BadRequest('"body" needs a text');
    return exchange(peer, as, spec, new Request(address(input, "inbox"), {
      method: "POST", body, headers: { "Content-Type": "application/activity+json", ...headers },
    }));
  },
  async fetch(peer, { as, accept = "application/activity+json", spec = "none", headers = {}, ...input }) {
    return exchange(peer, as, spec, new Request(address(input, "url"), { headers: { Accept: accept, ...headers } }));
  },

  // verify says what Fedify thinks of a request's signature; the key is fetched from its owner.
  async verify(peer, { as, method = "POST", headers = {}, body, now, spec, ...input }) {
    const hasBody = body != null && method !== "GET" && method !== "HEAD";
    const result = await verifyRequestDetailed(
      new Request(address(input, "url"), { method, headers, body: hasBody ? body : undefined }), {
        documentLoader: await loader(peer, as, true),
        contextLoader: peer.context().contextLoader,
        ...(now && { currentTime: Temporal.Instant.from(now) }),
        ...(spec && { spec: specs[spec] }),
      });
    if (result.verified) return { verified: true, keyId: result.key.id.href, owner: result.key.ownerId?.href ?? null };
    const { type, keyId, result: fetched } = result.reason;
    return { verified: false, reason: type, keyId: keyId?.href ?? null, detail: fetched?.error?.message ?? fetched?.status ?? null };
  },
};

const me = (peer, as) => peer.context().getActorUri(as);
const className = (object) => (object.constructor === APObject ? "Object" : object.constructor.name);
const followersOf = (peer, as) => [...peer.followers.get(as).values()].map((follower) => follower.recipient);
const handleOf = (who) => `@${who.preferredUsername}@${who.id.host}`;

// send delivers to all recipients now and fails when one of them does not take it.
// An empty list of recipients is no error; the answer's count tells.
async function send(peer, as, recipients, activity, { shared = true } = {}, note = {}) {
  const each = [...new Map(recipients.map((who) => [who.id.href, who])).values()];
  peer.sent.set(activity.id.href, { as, activity, ...note });
  await peer.context().sendActivity({ identifier: as }, each, activity, { immediate: true, preferSharedInbox: shared });
  return { activity: activity.id.href, recipients: each.length };
}

async function undo(peer, as, cls, object) {
  const done = [...peer.sent.values()].reverse().find((s) => (
    s.as === as && s.activity instanceof cls && s.activity.objectId.href === object.href && s.state !== "undone"
  ));
  if (!done) throw new BadRequest(`${as} has no ${cls.name} of ${object} to undo`);
  const whom = cls === Follow || cls === Block ? await actor(peer, as, object) : await authorOf(peer, as, object);
  const result = await send(peer, as, cls === Announce ? [...followersOf(peer, as), whom] : [whom], new Undo({
    id: peer.address(as, Undo), actor: me(peer, as), object: done.activity, tos: done.activity.toIds, ccs: done.activity.ccIds,
  }));
  done.state = "undone";
  return { ...result, undone: done.activity.id.href };
}

function aboutNote(peer, as, cls, note, more = {}) {
  return new cls({ id: peer.address(as, cls), actor: me(peer, as), object: note, tos: note.toIds, ccs: note.ccIds, ...more });
}

// addressees follows what microblogs do: public in to, or followers in to, or only those named.
function addressees(peer, as, visibility, named) {
  const followers = peer.context().getFollowersUri(as), ids = named.map((who) => who.id);
  if (visibility === "public") return { tos: [PUBLIC_COLLECTION], ccs: [followers, ...ids] };
  if (visibility === "unlisted") return { tos: [followers], ccs: [PUBLIC_COLLECTION, ...ids] };
  if (visibility === "followers") return { tos: [followers], ccs: ids };
  if (visibility === "direct") return { tos: ids };
  throw new BadRequest(`"visibility" is public, unlisted, followers or direct, not ${visibility}`);
}

// audience gives again those whom the note's first letter went to.
async function audience(peer, as, note) {
  const followers = peer.context().getFollowersUri(as).href;
  const ids = [...note.toIds, ...note.ccIds].map((id) => id.href);
  const named = ids.filter((id) => id !== followers && id !== PUBLIC_COLLECTION.href);
  return [...(ids.includes(followers) ? followersOf(peer, as) : []), ...(await actors(peer, as, named))];
}

function own(peer, as, input) {
  const note = peer.notes.get(address(input, "note").href);
  if (!(note instanceof Note) || note.attributionId.href !== me(peer, as).href) {
    throw new BadRequest(`${as} has no note ${input.note}`);
  }
  return note;
}

async function actor(peer, as, id) {
  const { object } = await lookup(peer, as, id.href, true);
  if (!isActor(object) || !object.inboxId) throw new Error(`${id} is a ${className(object)} and no actor with an inbox`);
  return object;
}

const actors = (peer, as, ids) => Promise.all(ids.map((id) => actor(peer, as, address({ id }, "id"))));

async function authorOf(peer, as, id) {
  const { object } = await lookup(peer, as, id.href, true);
  if (!object.attributionId) throw new Error(`${id} names no author`);
  return actor(peer, as, object.attributionId);
}

async function loader(peer, as, signed) {
  if (signed) return peer.context().getDocumentLoader({ identifier: as });
  return getDocumentLoader({ allowPrivateAddress: true }); // the context's own keeps copies for 5 minutes
}

// lookup asks Fedify for the object at an address, or for @user@host, acct:user@host.
// It returns the object and the document as it was fetched, or throws with the reason.
async function lookup(peer, as, where, signed) {
  if (typeof where !== "string") throw new BadRequest('"address" needs an address');
  if (!/^(acct:|@)/.test(where)) address({ address: where }, "address");
  else if (peer.origin.startsWith("http:")) where = selfOf(await webfinger(where), where);
  const load = await loader(peer, as, signed);
  let remote, failure;
  const documentLoader = async (url, options) => {
    try {
      const loaded = await load(url, options);
      remote ??= loaded;
      return loaded;
    } catch (error) {
      failure ??= error;
      throw error;
    }
  };
  const ctx = peer.context(), contextLoader = ctx.contextLoader;
  let object = await ctx.lookupObject(where, { documentLoader, crossOrigin: "throw" });
  if (object === null) {
    if (!remote) throw failure ?? new Error(`nothing to be had at ${where}`);
    // Fedify kept to itself why it did not take the document: parse it once more.
    object = await APObject.fromJsonLd(remote.document, { documentLoader: load, contextLoader, baseUrl: new URL(remote.documentUrl) });
  }
  return { object, remote };
}

// webfinger asks the host over http; base is needed when it is not in the resource.
async function webfinger(resource, base) {
  if (typeof resource !== "string") throw new BadRequest('"resource" needs acct:user@host, @user@host or an address');
  const name = resource.replace(/^@/, "acct:");
  const host = base ?? (name.startsWith("acct:") ? `http://${name.split("@").at(-1)}` : name);
  const url = new URL("/.well-known/webfinger", address({ base: host }, "base"));
  url.searchParams.set("resource", name);
  return fetchJson(url);
}

function selfOf(jrd, resource) {
  const link = jrd.links?.find((l) => l.rel === "self" && /activity\+json|ld\+json/.test(l.type ?? ""));
  if (!link) throw new Error(`WebFinger of ${resource} names no actor`);
  return link.href;
}

async function fetchJson(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`GET ${url}: ${response.status} ${await response.text()}`);
  return response.json();
}

async function exchange(peer, as, spec, request) {
  if (spec !== "none") {
    if (!specs[spec]) throw new BadRequest('"spec" is draft, rfc9421 or none');
    const [key] = await peer.context().getActorKeyPairs(as);
    request = await signRequest(request, key.privateKey, key.keyId, { spec: specs[spec] });
  }
  const response = await fetch(request, { redirect: "manual" });
  return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() };
}
