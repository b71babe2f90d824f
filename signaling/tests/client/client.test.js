// The official socket.io-client, as a web page uses it, over each of its transports. Run by `cargo test -p zzan-signaling`, which starts
// the server and says where it is.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { afterEach, test } from "node:test";
import { io } from "socket.io-client";

const url = process.env.ZZAN_URL;
const tokens = { ana: process.env.TOKEN_ANA, bo: process.env.TOKEN_BO };
const opened = [];

afterEach(() => {
  for (const socket of opened.splice(0)) socket.disconnect();
});

function client(auth, options = {}) {
  const socket = io(url, { auth, forceNew: true, reconnection: false, ...options });
  opened.push(socket);
  return socket;
}

/** The next event of this name. */
function next(socket, event) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${event} came`)), 15_000);
    socket.once(event, (...args) => {
      clearTimeout(timer);
      assert.ok(args.length <= 2, `${event} has one object`);
      resolve(args[0]);
    });
  });
}

function ask(socket, event, ...args) {
  return socket.timeout(15_000).emitWithAck(event, ...args);
}

async function ready(socket) {
  return next(socket, "session:ready");
}

async function room(socket, capacity = 2) {
  const created = await ask(socket, "room:create", { name: "r", capacity, nonce: randomUUID() });
  assert.equal(created.ok, true, JSON.stringify(created));
  const joined = await ask(socket, "room:join", { room: created.room.id });
  assert.equal(joined.ok, true, JSON.stringify(joined));
  return joined;
}

const transports = {
  websocket: ["websocket"],
  polling: ["polling"],
  "polling, then upgraded": ["polling", "websocket"],
};

for (const [name, list] of Object.entries(transports)) {
  test(`two people meet and talk over ${name}`, async () => {
    const ana = client({ token: tokens.ana }, { transports: list });
    const bo = client({ token: tokens.bo }, { transports: list });
    const [first] = await Promise.all([ready(ana), ready(bo)]);
    assert.equal(first.resumed, false);
    assert.ok(first.expires_in_ms > 0);
    if (list.length === 2 && ana.io.engine.transport.name !== "websocket") {
      await new Promise((resolve) => ana.io.engine.once("upgrade", resolve));
    }
    assert.equal(ana.io.engine.transport.name, list.at(-1));

    const joined = await room(ana);
    const seen = next(ana, "participant:joined");
    assert.equal((await ask(bo, "room:join", { room: joined.room.id })).ok, true);
    assert.equal((await seen).participant.user, "bo");

    const heard = next(ana, "chat:message");
    const sent = await ask(bo, "chat:send", { channel: joined.room.channel, nonce: randomUUID(), text: "짠 🍻" });
    assert.equal(sent.ok, true);
    assert.deepEqual((await heard).message, sent.message);

    const left = next(ana, "participant:left");
    bo.disconnect();
    assert.equal((await left).reason, "left");
  });

  test(`many events in one tick stay in order over ${name}`, async () => {
    const ana = client({ token: tokens.ana }, { transports: list });
    await ready(ana);
    const joined = await room(ana);
    const acks = await Promise.all(
      Array.from({ length: 50 }, (_, n) => ask(ana, "chat:send", { channel: joined.room.channel, nonce: randomUUID(), text: `${n}` })),
    );
    assert.deepEqual(acks.map((ack) => ack.message.seq), acks.map((_, n) => n + 1));
    assert.deepEqual(acks.map((ack) => ack.message.text), acks.map((_, n) => `${n}`));
  });
}

for (const list of [["websocket"], ["polling"]]) {
  test(`a bad token is a connect_error over ${list}`, async () => {
    const reasons = { [process.env.TOKEN_FORGED]: "unauthorized: token signature wrong", [process.env.TOKEN_EXPIRED]: "unauthorized: token expired" };
    for (const [token, reason] of Object.entries(reasons)) {
      const error = await next(client({ token }, { transports: list }), "connect_error");
      assert.equal(error.message, reason);
    }
    const error = await next(client({}, { transports: list }), "connect_error");
    assert.equal(error.message, "unauthorized: token missing");
  });
}

test("another namespace is refused, and the first one lives on", async () => {
  const ana = client({ token: tokens.ana });
  await ready(ana);
  const admin = ana.io.socket("/admin", { auth: { token: tokens.ana } });
  const refused = next(admin, "connect_error");
  admin.connect();
  assert.equal((await refused).message, "Invalid namespace");
  assert.equal((await ask(ana, "lobby:list", {})).ok, true);
});

test("an event emitted at once with the connect is answered", async () => {
  for (let round = 0; round < 50; round += 1) {
    const ana = client({ token: tokens.ana }, { transports: ["websocket"] });
    const answer = await new Promise((resolve) => ana.on("connect", () => ana.emit("lobby:list", {}, resolve)));
    assert.equal(answer.ok, true);
    ana.disconnect();
  }
});

test("an unknown event, a missing argument and further ones are answered", async () => {
  const ana = client({ token: tokens.ana });
  await ready(ana);
  assert.equal((await ask(ana, "room:explode", {})).error.code, "invalid");
  assert.equal((await ask(ana, "lobby:list")).ok, true);
  assert.equal((await ask(ana, "lobby:list", {}, 1, "two")).ok, true);
  assert.match((await ask(ana, "room:join", { room: 7 })).error.message, /^room: /);
});

test("a client that lost its transport resumes its session and its seat", async () => {
  const auth = { token: tokens.ana };
  const ana = client(auth, { reconnection: true, reconnectionDelay: 50, transports: ["websocket"] });
  const first = await ready(ana);
  const joined = await room(ana);
  auth.session = first.session;
  const again = ready(ana);
  const mapped = next(ana, "media:map");
  ana.io.engine.close();
  const resumed = await again;
  assert.equal(resumed.resumed, true);
  assert.equal(resumed.seat.me.id, joined.me.id);
  assert.equal((await mapped).room, joined.room.id);
  assert.notEqual(resumed.session, first.session);
});

test("a message that is too large closes the connection with 1009", async () => {
  const ana = client({ token: tokens.ana }, { transports: ["websocket"] });
  await ready(ana);
  const closed = new Promise((resolve) => ana.io.engine.on("close", (reason, details) => resolve({ reason, details })));
  ana.emit("chat:send", { channel: "c", nonce: "n", text: "x".repeat(200 * 1024) });
  const { reason, details } = await closed;
  assert.equal(reason, "transport close");
  assert.equal(details.context.code ?? details.context, 1009);
});

test("the connection outlives several pings, over each transport", async () => {
  for (const list of [["websocket"], ["polling"]]) {
    const ana = client({ token: tokens.ana }, { transports: list });
    await ready(ana);
    let pings = 0;
    await new Promise((resolve) => ana.io.on("ping", () => (pings += 1) === 3 && resolve()));
    assert.equal((await ask(ana, "lobby:list", {})).ok, true);
  }
});
