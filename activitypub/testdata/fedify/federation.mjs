// The server itself: three people with followers, notes and an inbox, and a diary of
// everything that came to them.
import {
  createFederation, generateCryptoKeyPair, InProcessMessageQueue, MemoryKvStore,
} from "@fedify/fedify";
import {
  Accept, Activity, Announce, Block, Create, Delete, Endpoints, Follow, isActor, Like, Move, Note, Person,
  PUBLIC_COLLECTION, Reject, Tombstone, Undo, Update,
} from "@fedify/vocab";
import { configure } from "@logtape/logtape";
import { randomUUID } from "node:crypto";
import { specs } from "./specs.mjs";

export const people = ["alice", "bob", "carol"];
const pageSize = 10;

export class Peer {
  origin;
  federation;
  events = [];
  notes = new Map(); // address → Note, or Tombstone once deleted
  sent = new Map(); // activity address → { as, activity, state }
  followers = new Map(people.map((name) => [name, new Map()])); // name → actor address → { follow, recipient }
  answerFollowsWith = "accept"; // or reject, or none
  reactions = new Map(); // activity address → the Like or Announce of others that stands
  moves = new Map(); // name → the name to which that one has moved
  #lastEvent = 0;
  #keys;
  #takes; // the form of signature that is believed; both where it is undefined
  #letters = new Map(); // activity id → its JSON as it came

  static #logs = false;

  static async make({ origin, firstKnock, takes, authorize, debug }) {
    if (debug && !Peer.#logs) {
      Peer.#logs = true;
      await configure({
        sinks: { stderr: (r) => console.error(`${r.level} ${r.category.join(".")}:`, ...r.message) },
        loggers: [
          { category: "fedify", lowestLevel: "debug", sinks: ["stderr"] },
          { category: ["logtape", "meta"], lowestLevel: "warning", sinks: ["stderr"] },
        ],
      });
    }
    const peer = new Peer();
    peer.origin = origin;
    peer.#takes = takes;
    peer.#keys = { ...(await firstKeys()) };
    peer.federation = peer.#build(specs[firstKnock], authorize);
    process.on("unhandledRejection", (error) => peer.#trouble("unhandled", error));
    return peer;
  }

  context() {
    return this.federation.createContext(new URL(this.origin), undefined);
  }

  record(event) {
    this.events.push({ seq: ++this.#lastEvent, at: new Date().toISOString(), ...event });
  }

  // address draws an id for something that the person is about to do.
  address(as, cls) {
    return this.context().getObjectUri(cls, { identifier: as, id: randomUUID() });
  }

  // renewKeys draws new keys for a person, under the ids of the old ones.
  async renewKeys(as) {
    this.#keys[as] = await rsaAndEd25519();
  }

  // answer lets Fedify answer a request and writes it into the diary.
  async answer(req, url, body) {
    const headers = new Headers();
    for (let i = 0; i < req.rawHeaders.length; i += 2) headers.append(req.rawHeaders[i], req.rawHeaders[i + 1]);
    const hasBody = req.method !== "GET" && req.method !== "HEAD";
    const letter = hasBody ? parsed(body) : undefined;
    if (typeof letter?.id === "string") this.#letters.set(letter.id, letter);
    const signature = headers.has("signature-input") ? "rfc9421" : headers.has("signature") ? "draft" : "none";
    let response = this.#takes && signature !== "none" && signature !== this.#takes
      ? new Response(`only ${this.#takes} is believed here`, { status: 401 })
      : await this.federation.fetch(
        new Request(url, { method: req.method, headers, body: hasBody ? body : undefined }),
        { contextData: undefined },
      );
    if (response.ok && this.notes.get(url.href) instanceof Tombstone) {
      response = new Response(response.body, { status: 410, headers: response.headers });
    }
    const text = response.status >= 400 ? await response.clone().text() : undefined;
    this.record({
      kind: "request",
      method: req.method,
      path: url.pathname + url.search,
      status: response.status,
      signature,
      headers: Object.fromEntries(headers),
      ...(hasBody && { body: body.toString(), ldSignature: letter?.signature != null, proof: letter?.proof != null }),
      ...(text !== undefined && { answer: text }),
    });
    return response;
  }

  #build(firstKnock, authorize) {
    const federation = createFederation({
      kv: new MemoryKvStore(),
      queue: new InProcessMessageQueue(),
      origin: this.origin,
      firstKnock,
      allowPrivateAddress: true, // everything here is on loopback
      circuitBreaker: false, // one test's dead node must not delay the next test's letters
      onOutboxError: (error, activity) => this.#trouble("outbox", error, activity?.id),
    });
    const signed = async (ctx) => !authorize || (await ctx.getSignedKeyOwner()) != null;

    federation.setNodeInfoDispatcher("/nodeinfo/2.1", () => ({
      software: { name: "coopnode-fedify-peer", version: "1.0.0" },
      protocols: ["activitypub"],
      usage: { users: { total: people.length }, localPosts: this.notes.size, localComments: 0 },
    }));
    federation
      .setActorDispatcher("/users/{identifier}", async (ctx, identifier) => {
        if (!people.includes(identifier)) return null;
        const pairs = await ctx.getActorKeyPairs(identifier);
        return new Person({
          id: ctx.getActorUri(identifier),
          preferredUsername: identifier,
          name: identifier[0].toUpperCase() + identifier.slice(1),
          summary: `<p>${identifier} of the Fedify peer</p>`,
          aliases: people.filter((name) => this.moves.get(name) === identifier).map((name) => ctx.getActorUri(name)),
          successor: this.moves.has(identifier) ? ctx.getActorUri(this.moves.get(identifier)) : null,
          url: ctx.getActorUri(identifier),
          inbox: ctx.getInboxUri(identifier),
          outbox: ctx.getOutboxUri(identifier),
          followers: ctx.getFollowersUri(identifier),
          following: ctx.getFollowingUri(identifier),
          endpoints: new Endpoints({ sharedInbox: ctx.getInboxUri() }),
          publicKey: pairs[0].cryptographicKey,
          assertionMethods: pairs.map((pair) => pair.multikey),
        });
      })
      .mapHandle((_, username) => (people.includes(username.toLowerCase()) ? username.toLowerCase() : null))
      .setKeyPairsDispatcher((_, identifier) => this.#keys[identifier] ?? [])
      .authorize(signed);
    federation
      .setObjectDispatcher(Note, "/users/{identifier}/notes/{id}",
        (ctx, values) => this.notes.get(ctx.getObjectUri(Note, values).href) ?? null)
      .authorize(signed);
    for (const cls of [Accept, Announce, Block, Create, Delete, Follow, Like, Move, Reject, Undo, Update]) {
      federation
        .setObjectDispatcher(cls, `/users/{identifier}/${cls.name.toLowerCase()}/{id}`,
          (ctx, values) => this.sent.get(ctx.getObjectUri(cls, values).href)?.activity ?? null)
        .authorize(signed);
    }
    federation
      .setOutboxDispatcher("/users/{identifier}/outbox", (_, identifier, cursor) => {
        const all = this.#published(identifier), start = Number(cursor), end = start + pageSize;
        return { items: all.slice(start, end), nextCursor: end < all.length ? String(end) : null };
      })
      .setFirstCursor(() => "0")
      .setCounter((_, identifier) => this.#published(identifier).length);
    federation.setFollowersDispatcher("/users/{identifier}/followers", (_, identifier) => (
      people.includes(identifier)
        ? { items: [...this.followers.get(identifier).values()].map((follower) => follower.recipient) } : null
    ));
    federation.setFollowingDispatcher("/users/{identifier}/following", (_, identifier) => (
      people.includes(identifier) ? { items: this.following(identifier, "accepted") } : null
    ));
    federation
      .setInboxListeners("/users/{identifier}/inbox", "/inbox")
      .setSharedKeyDispatcher(() => ({ identifier: people[0] }))
      .on(Activity, (ctx, activity) => this.#received(ctx, activity))
      .onUnverifiedActivity((_, activity, reason) => {
        this.record({
          kind: "unverified",
          ...this.#described(activity),
          reason: reason.type,
          keyId: reason.keyId?.href ?? null,
          detail: reason.result?.error?.message ?? reason.result?.status ?? null,
        });
      })
      .onError((_, error) => this.#trouble("inbox", error));
    return federation;
  }

  // following lists whom the person follows, as addresses; state is pending, accepted, rejected or moved.
  following(as, state) {
    return [...this.sent.values()]
      .filter((s) => s.as === as && s.activity instanceof Follow && s.state === state)
      .map((s) => s.activity.objectId);
  }

  async #received(ctx, activity) {
    this.record({ kind: "activity", inbox: ctx.recipient, ...this.#described(activity) });
    if (activity instanceof Follow) await this.#followed(ctx, activity);
    else if (activity instanceof Undo) this.#undone(activity);
    else if (activity instanceof Like || activity instanceof Announce) this.reactions.set(activity.id.href, activity);
    else if (activity instanceof Move) await this.#moved(ctx, activity);
    else if (activity instanceof Accept || activity instanceof Reject) {
      const follow = this.sent.get(activity.objectId?.href);
      // Only the one who was asked can answer.
      if (follow?.activity instanceof Follow && follow.activity.objectId.href === activity.actorId?.href) {
        follow.state = activity instanceof Accept ? "accepted" : "rejected";
      }
    }
  }

  async #followed(ctx, follow) {
    const target = ctx.parseUri(follow.objectId);
    if (target?.type !== "actor" || !people.includes(target.identifier)) {
      throw new Error(`Follow ${follow.id} asks for ${follow.objectId}, who is not here`);
    }
    if (this.answerFollowsWith === "none") return;
    const follower = await follow.getActor(ctx);
    if (follower?.inboxId == null) throw new Error(`Follow ${follow.id}: ${follow.actorId} has no inbox`);
    const Answer = this.answerFollowsWith === "accept" ? Accept : Reject;
    if (Answer === Accept) {
      this.followers.get(target.identifier).set(follower.id.href, { follow: follow.id?.href, recipient: follower });
    }
    const activity = new Answer({
      id: this.address(target.identifier, Answer), actor: follow.objectId, to: follow.actorId, object: follow,
    });
    this.sent.set(activity.id.href, { as: target.identifier, activity });
    await ctx.sendActivity({ identifier: target.identifier }, follower, activity);
  }

  // Whoever follows one who has moved follows the new one, if that one says that it is the same.
  async #moved(ctx, move) {
    for (const as of people) {
      const follow = [...this.sent.values()].find((s) => (
        s.as === as && s.activity instanceof Follow && s.state === "accepted" && s.activity.objectId.href === move.actorId?.href
      ));
      if (!follow || move.objectId?.href !== move.actorId.href) continue;
      const target = await move.getTarget({ documentLoader: await ctx.getDocumentLoader({ identifier: as }), contextLoader: ctx.contextLoader });
      if (!isActor(target) || !target.aliasIds.some((id) => id.href === move.actorId.href)) {
        throw new Error(`${move.targetId} does not say that it is ${move.actorId}`);
      }
      follow.state = "moved";
      const activity = new Follow({ id: this.address(as, Follow), actor: ctx.getActorUri(as), object: target.id, to: target.id });
      this.sent.set(activity.id.href, { as, activity, state: "pending" });
      await ctx.sendActivity({ identifier: as }, target, activity);
    }
  }

  // An Undo may name the Follow by its id or carry a copy of it with another id.
  #undone(undo) {
    const reaction = this.reactions.get(undo.objectId?.href);
    if (reaction && reaction.actorId.href === undo.actorId?.href) this.reactions.delete(undo.objectId.href);
    const actor = undo.actorId?.href, copy = this.#letters.get(undo.id?.href)?.object;
    for (const [name, followers] of this.followers) {
      const known = followers.get(actor);
      const whom = `${this.origin}/users/${name}`;
      if (known && (known.follow === undo.objectId?.href || (copy?.type === "Follow" && (copy.object?.id ?? copy.object) === whom))) {
        followers.delete(actor);
      }
    }
  }

  #published(as) {
    return [...this.sent.values()]
      .filter(({ as: who, activity }) => who === as && (activity instanceof Create || activity instanceof Announce))
      .map(({ activity }) => activity)
      .filter((a) => [...a.toIds, ...a.ccIds].some((id) => id.href === PUBLIC_COLLECTION.href))
      .reverse();
  }

  #described(activity) {
    const json = this.#letters.get(activity.id?.href);
    return {
      type: activity.constructor.name,
      id: activity.id?.href ?? null,
      actor: activity.actorId?.href ?? null,
      object: activity.objectId?.href ?? null,
      objectType: json?.object?.type ?? null,
      json: json ?? null,
    };
  }

  #trouble(where, error, id) {
    console.error(`peer: ${where}: ${error?.stack ?? error}`);
    this.record({ kind: "error", where, error: String(error?.message ?? error), ...(id && { id: id.href }) });
  }
}

// The first key of each signs requests, the second makes object proofs. alice has the
// 4096-bit key that Fedify makes, the others the 2048 bits that most servers use. All
// servers of a process begin with the same keys: to draw them takes seconds.
let drawn;
const firstKeys = () => (drawn ??= makeKeys());

async function makeKeys() {
  const [large, alice, bob, carol] = await Promise.all([
    generateCryptoKeyPair("RSASSA-PKCS1-v1_5"), generateCryptoKeyPair("Ed25519"), rsaAndEd25519(), rsaAndEd25519(),
  ]);
  return { alice: [large, alice], bob, carol };
}

const rsaAndEd25519 = () => Promise.all([
  crypto.subtle.generateKey(
    { name: "RSASSA-PKCS1-v1_5", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" },
    true, ["sign", "verify"],
  ),
  generateCryptoKeyPair("Ed25519"),
]);

function parsed(body) {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined; // the request log has the text
  }
}
