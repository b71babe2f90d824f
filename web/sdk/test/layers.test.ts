import { expect, test } from 'vitest';
import { activeOf, encodingsOf, layersOf, LayerSwitch, type WantedLayers } from '../src/layers.js';
import { FakeSender } from './fake_rtc.js';

const scales = (width: number, height: number) => layersOf({ width, height }).filter(({ sent }) => sent).map(({ rid, scaleResolutionDownBy }) => [rid, scaleResolutionDownBy]);

test('a camera offers three layers, low to high, and a screen one stream', () => {
  expect(encodingsOf('camera', 'vp8').map(({ rid, scaleResolutionDownBy }) => [rid, scaleResolutionDownBy])).toEqual([['q', 4], ['h', 2], ['f', 1]]);
  expect(encodingsOf('screen', 'vp8').map(({ rid }) => rid)).toEqual([undefined]);
  expect(encodingsOf('camera', 'av1').every((encoding) => (encoding as { scalabilityMode?: string }).scalabilityMode === 'L1T1')).toBe(true);
});

test('a small picture has fewer layers, and the highest of them is whole', () => {
  expect(scales(1280, 720)).toEqual([['q', 4], ['h', 2], ['f', 1]]);
  expect(scales(960, 540)).toEqual([['q', 4], ['h', 2], ['f', 1]]);
  expect(scales(640, 480)).toEqual([['q', 2], ['h', 1]]);
  expect(scales(320, 240)).toEqual([['q', 1]]);
  const bitrates = layersOf({ width: 1280, height: 720 }).map(({ maxBitrate }) => maxBitrate);
  expect(bitrates).toEqual([150_000, 500_000, 1_500_000]);
});

test('what is wanted and there is active; before the first word everything is', () => {
  const three = layersOf({ width: 1280, height: 720 });
  const one = layersOf({ width: 320, height: 240 });
  const active = (layers: typeof three | undefined, wanted?: WantedLayers) => [...activeOf(layers, wanted)];
  expect(active(three)).toEqual(['q', 'h', 'f']);
  expect(active(three, { wanted: true, active: ['q', 'f'] })).toEqual(['q', 'f']);
  expect(active(three, { wanted: false, active: [] })).toEqual([]);
  expect(active(one)).toEqual(['q']);
  expect(active(one, { wanted: true, active: ['f'] })).toEqual(['q']);
  expect(active(undefined, { wanted: true, active: [] })).toEqual(['-']);
  expect(active(undefined, { wanted: false, active: [] })).toEqual([]);
});

test('encodings follow another camera and what is wanted, and are left alone where they are right', async () => {
  const sender = new FakeSender(encodingsOf('camera', 'vp8'));
  const layers = new LayerSwitch(sender as unknown as RTCRtpSender, 'camera');
  const settled = () => new Promise((done) => setTimeout(done));
  layers.follow(undefined);
  layers.fit({ width: 1280, height: 720 });
  await settled();
  expect([sender.active, sender.changes]).toEqual([['q', 'h', 'f'], 0]);
  layers.fit({ width: 640, height: 360 });
  await settled();
  expect(sender.getParameters().encodings.map(({ active, scaleResolutionDownBy }) => [active, scaleResolutionDownBy])).toEqual([[true, 2], [true, 1], [false, 1]]);
  layers.follow({ wanted: false, active: [] });
  await settled();
  expect(sender.active).toEqual([]);
});
