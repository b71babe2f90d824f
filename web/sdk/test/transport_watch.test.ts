import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { TransportWatch, type Trouble } from '../src/transport_watch.js';
import { FakePeerConnection } from './fake_rtc.js';

let pc: FakePeerConnection;
let watch: TransportWatch;
let told: Trouble[];

beforeEach(() => {
  vi.useFakeTimers();
  pc = new FakePeerConnection();
  told = [];
  watch = new TransportWatch(pc as unknown as RTCPeerConnection, (trouble) => void told.push(trouble));
});

afterEach(() => {
  watch.stop();
  vi.useRealTimers();
});

/** Lets time pass while so many bytes a second come and go. */
async function flow(ms: number, { received = 0, sent = 0 } = {}) {
  for (let at = 0; at < ms; at += 100) {
    pc.path.bytesReceived += received / 10;
    pc.path.bytesSent += sent / 10;
    await vi.advanceTimersByTimeAsync(100);
  }
}

async function connected() {
  pc.become('connected');
  await flow(3_000, { received: 20_000, sent: 20_000 });
}

test('two seconds without a packet, while we send, mean trouble, and are told once', async () => {
  await connected();
  await flow(1_900, { sent: 20_000 });
  expect(told).toEqual([]);
  await flow(700, { sent: 20_000 });
  expect(told).toEqual(['path']);
  await flow(20_000);
  expect(told).toEqual(['path']);
});

test('two seconds without a packet mean trouble for a listener too, if media is expected', async () => {
  pc.become('connected');
  await flow(3_000, { received: 20_000 });
  watch.expects = () => true;
  await flow(2_600);
  expect(told).toEqual(['path']);
});

test('a listener to whom nobody speaks any more is not troubled as long as checks are answered', async () => {
  pc.become('connected');
  await flow(3_000, { received: 20_000 });
  for (let n = 0; n < 20; n += 1) {
    await flow(2_500);
    pc.path.responsesReceived += 1;
  }
  expect(told).toEqual([]);
  await flow(6_600);
  expect(told).toEqual(['path']);
});

test('when something hints at another network, a second is enough, and a hint does not hold for ever', async () => {
  await connected();
  watch.hint();
  await flow(500, { received: 20_000 });
  expect(told).toEqual([]);
  await flow(1_400);
  expect(told).toEqual(['path']);

  await flow(500, { received: 20_000 });
  const revived = watch.revived(2_000);
  await flow(1_000, { received: 20_000 });
  expect(await revived).toBe(true);
  watch.hint();
  await flow(3_000, { received: 20_000 });
  await flow(1_500);
  expect(told).toEqual(['path']);
});

test('trouble is told again only after the path was revived', async () => {
  await connected();
  await flow(3_000);
  const first = watch.revived(1_000);
  await flow(2_000);
  expect(await first).toBe(false);
  await flow(10_000);
  expect(told).toEqual(['path']);
  const second = watch.revived(1_000);
  await flow(4_000, { received: 20_000, sent: 20_000 });
  expect(await second).toBe(true);
  await flow(3_000);
  expect(told).toEqual(['path', 'path']);
});

test('pairs that a restart took away are no silence', async () => {
  await connected();
  for (let n = 2; n < 20; n += 1) {
    Object.assign(pc.path, { id: `CP${n}`, bytesReceived: 10, bytesSent: 500 });
    await vi.advanceTimersByTimeAsync(500);
  }
  expect(told).toEqual([]);
});

test('a late tick looks at what came before it judges the silence', async () => {
  await connected();
  pc.path.bytesReceived += 1_000;
  vi.setSystemTime(Date.now() + 60_000);
  await vi.advanceTimersByTimeAsync(500);
  expect(told).toEqual([]);
});

test('disconnected for two seconds means trouble, for a moment it does not', async () => {
  pc.become('connected');
  pc.become('disconnected');
  await vi.advanceTimersByTimeAsync(1_900);
  pc.become('connected');
  await vi.advanceTimersByTimeAsync(500);
  expect(told).toEqual([]);
  pc.become('disconnected');
  await vi.advanceTimersByTimeAsync(2_100);
  expect(told).toEqual(['path']);
});

test('what never connected is dead', async () => {
  await vi.advanceTimersByTimeAsync(15_100);
  expect(told).toEqual(['dead']);
});

test('after its end a watch says nothing', async () => {
  await connected();
  watch.stop();
  pc.become('failed');
  await flow(30_000);
  expect(told).toEqual([]);
});
