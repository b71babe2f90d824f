// Chat between two pages, typed as Koreans type.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openChromium, visitor } from '../lib/browser.mjs';
import { sleep } from '../lib/figures.mjs';
import { Visit } from '../lib/page.mjs';
import { startServer } from '../lib/server.mjs';

let server;
let browser;
let host;
let guest;
let room;

before(async () => {
  server = await startServer();
  browser = await openChromium();
  host = await Visit.open(await visitor(browser), server);
  guest = await Visit.open(await visitor(browser), server);
  await host.enterLobby('Host');
  room = await host.createRoom({ name: 'chat', size: 2 });
  await host.join();
  await guest.standBefore(room, { name: '손님' });
  await guest.join();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

test('messages go both ways, in one order', async () => {
  await host.say('hello');
  await guest.seeMessage('hello');
  await guest.say('안녕하세요');
  await host.seeMessage('안녕하세요');
  for (const visit of [host, guest]) assert.deepEqual(await visit.chatTexts(), ['hello', '안녕하세요']);
});

test('the Enter that ends a Hangul composition sends nothing, the next one sends once', async () => {
  const input = await guest.see('chat-input');
  await input.click();
  const devtools = await guest.page.context().newCDPSession(guest.page);
  for (const text of ['ㄱ', '거', '건', '건ㅂ', '건배']) {
    await devtools.send('Input.imeSetComposition', { text, selectionStart: text.length, selectionEnd: text.length });
  }
  // What an input method leaves of the Enter that commits a composition: a key of code 229, sent while composing.
  const enter = { key: 'Enter', code: 'Enter', windowsVirtualKeyCode: 229 };
  await devtools.send('Input.dispatchKeyEvent', { type: 'rawKeyDown', ...enter });
  await devtools.send('Input.dispatchKeyEvent', { type: 'keyUp', ...enter });
  await devtools.send('Input.insertText', { text: '건배' });
  assert.equal(await input.inputValue(), '건배');
  await input.press('Enter');
  await host.seeMessage('건배');
  // A second copy would come at once; history tells for certain what was stored.
  await sleep(300);
  for (const visit of [host, guest]) assert.deepEqual(await visit.chatTexts(), ['hello', '안녕하세요', '건배']);
  assert.equal(await input.inputValue(), '');
});

test('who comes late reads what was said before', async () => {
  await guest.leave();
  await guest.standBefore(room);
  await guest.join();
  await guest.seeMessage('건배');
  assert.deepEqual(await guest.chatTexts(), ['hello', '안녕하세요', '건배']);
});

test('markup in a message is text', async () => {
  const attack = '<img src=x onerror="window.hacked = true"><script>window.hacked = true</script>';
  await host.say(attack);
  await guest.seeMessage('onerror');
  assert.equal((await guest.chatTexts()).at(-1), attack);
  assert.equal(await guest.page.evaluate(() => window.hacked), undefined);
});
