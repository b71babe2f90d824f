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

/** Opens the menu of the message with this text, and takes one of its actions. */
async function act(visit, text, action) {
  const line = visit.find('chat-message').filter({ hasText: text });
  await line.hover();
  await line.getByTestId('chat-actions').click();
  await line.getByTestId(action).click();
}

test('an edited message is another one on both pages, and says so', async () => {
  await host.say('tomorow at seven');
  await guest.seeMessage('tomorow');
  await act(host, 'tomorow', 'chat-edit');
  const input = await host.see('chat-edit-input');
  assert.equal(await input.inputValue(), 'tomorow at seven');
  await input.fill('tomorrow at eight');
  await input.press('Enter');
  for (const visit of [host, guest]) {
    await visit.seeMessage('tomorrow at eight');
    await visit.find('chat-message').filter({ hasText: 'tomorrow' }).getByTestId('chat-edited').waitFor();
    assert.equal((await visit.chatTexts()).at(-1), 'tomorrow at eight');
  }
});

test('Escape leaves a message as it was, and the panel open', async () => {
  await act(host, 'tomorrow', 'chat-edit');
  const input = await host.see('chat-edit-input');
  await input.fill('never');
  await input.press('Escape');
  assert.equal((await host.chatTexts()).at(-1), 'tomorrow at eight');
});

test('Escape right behind the click that opens a menu closes the menu alone', async () => {
  const button = host.find('chat-message').filter({ hasText: 'tomorrow' }).getByTestId('chat-actions');
  const open = await button.evaluate(async (element) => {
    element.focus();
    element.click();
    // Before the menu has the focus.
    element.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }));
    await new Promise((resolve) => setTimeout(resolve, 100));
    return document.querySelector('[data-testid="chat"]') !== null;
  });
  assert.ok(open, 'the chat is still there');
  await host.page.keyboard.press('Escape');
  assert.equal(await host.find('chat').count(), 1);
});

test('an answer shows what it answers, on both pages', async () => {
  await act(guest, 'tomorrow', 'chat-reply');
  await guest.see('chat-replying');
  await guest.say('좋아요!');
  for (const visit of [host, guest]) {
    await visit.seeMessage('좋아요!');
    const quote = visit.find('chat-message').filter({ hasText: '좋아요!' }).getByTestId('chat-quote');
    assert.match(await quote.innerText(), /tomorrow at eight/);
  }
  assert.equal(await guest.find('chat-replying').count(), 0);
});

test('a guest deletes what is its own and nothing else, the host anything', async () => {
  const line = guest.find('chat-message').filter({ hasText: 'hello' });
  await line.hover();
  await line.getByTestId('chat-actions').click();
  await line.getByTestId('chat-reply').waitFor();
  assert.equal(await line.getByTestId('chat-delete').count(), 0);
  await guest.page.keyboard.press('Escape');
  for (const [visit, text] of [[guest, '좋아요!'], [host, '안녕하세요']]) {
    await act(visit, text, 'chat-delete');
    await visit.see('confirm-button').then((button) => button.click());
    for (const page of [host, guest]) await page.find('chat-message').filter({ hasText: text }).waitFor({ state: 'detached' });
  }
  const left = await host.chatTexts();
  assert.deepEqual(await guest.chatTexts().then((texts) => texts.length), left.length, 'each leaves a tombstone');
  await guest.leave();
  await guest.standBefore(room);
  await guest.join();
  await guest.seeMessage('hello');
  assert.ok(!(await guest.chatTexts()).some((text) => text.includes('좋아요') || text.includes('안녕')), 'nor are they in the history');
});
