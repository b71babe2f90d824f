// Meeting notes on the page: two people in a voice channel's call, whose browsers understand what the tests let them say.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { openChromium, visitor } from '../lib/browser.mjs';
import { accept, channelRow, createServer, enterServers, invite } from '../lib/community.mjs';
import { sleep, until } from '../lib/figures.mjs';
import { Visit } from '../lib/page.mjs';
import { startServer } from '../lib/server.mjs';

const WIDE = { width: 1280, height: 720 };
const PHONE = { width: 390, height: 780 };

let server;
let browser;
let host;
let guest;
let id;

before(async () => {
  server = await startServer();
  browser = await openChromium();
  host = await enterServers(await listening({ viewport: WIDE, locale: 'ko-KR' }), server, '하나');
  id = await createServer(host, '개발팀');
  const path = await invite(host);
  guest = await enterServers(await listening({ viewport: WIDE }), server, 'Dooly');
  await accept(guest, path);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** A visitor whose browser has a speech recognition that hears what a test says. */
async function listening(options) {
  const context = await visitor(browser, options);
  await context.addInitScript(fakeSpeech);
  return context;
}

/** Runs in every page before anything else. As browsers have it: it ends by itself, and tells what it isn't sure of as interim results. */
function fakeSpeech() {
  const state = { current: undefined, begun: 0, lang: '', interim: undefined };
  window.__speech = {
    state,
    /** Text that is understood in the end, after a guess where the page wants guesses. */
    say(text) {
      const { current } = state;
      if (!current) return false;
      if (state.interim) current.tell(`${text}?`, false);
      current.tell(text, true);
      return true;
    },
    pause: () => state.current?.finish(),
    refuse(error) {
      state.current?.dispatchEvent(Object.assign(new Event('error'), { error }));
      state.current?.finish();
    },
  };
  class Speech extends EventTarget {
    results = [];
    start() {
      Object.assign(state, { current: this, begun: state.begun + 1, lang: this.lang, interim: this.interimResults });
      setTimeout(() => this.dispatchEvent(new Event('start')));
    }
    tell(transcript, isFinal) {
      this.results.push(Object.assign([{ transcript, confidence: 0.9 }], { isFinal }));
      this.dispatchEvent(Object.assign(new Event('result'), { results: this.results, resultIndex: this.results.length - 1 }));
    }
    finish() {
      if (state.current === this) state.current = undefined;
      this.dispatchEvent(new Event('end'));
    }
    abort() {
      setTimeout(() => this.finish());
    }
  }
  window.webkitSpeechRecognition = Speech;
  delete window.SpeechRecognition;
}

const speech = (visit) => visit.page.evaluate(() => ({ listens: window.__speech.state.current !== undefined, ...window.__speech.state, current: undefined }));
const hears = (visit, listens) => until(`the browser ${listens ? 'listens' : 'doesn’t listen'}`, () => speech(visit), (state) => state.listens === listens);
const speak = async (visit, text) => {
  await hears(visit, true);
  assert.ok(await visit.page.evaluate((said) => window.__speech.say(said), text));
};
const lines = (visit) => visit.find('note-text').allInnerTexts();
const untilLines = (visit, expected) => until('the lines', () => lines(visit), (texts) => JSON.stringify(texts) === JSON.stringify(expected));

async function call(visit, name) {
  await channelRow(visit, name).getByTestId('voice-channel').click();
  await visit.join();
}

test('a note is started by name, and everyone in the call is told so', async () => {
  await call(host, '수다방');
  await call(guest, '수다방');
  await host.find('notes-button').click();
  await host.find('notes-none').waitFor();
  assert.match(await host.find('note-name').inputValue(), /회의$/);
  await host.find('note-name').fill('주간 회의');
  await host.find('note-speech').check();
  await host.find('note-start').click();
  assert.equal(await (await host.see('note-title')).innerText(), '주간 회의');
  assert.match(await (await guest.see('note-notice')).innerText(), /주간 회의/);
  await hears(guest, false);
});

test('what one says stands under one’s name for everyone, in the language of the page, and guesses don’t', async () => {
  await speak(host, '안건부터 볼까요');
  const { lang, interim } = await speech(host);
  assert.deepEqual([lang, interim], ['ko-KR', false]);
  await guest.find('note-open').click();
  await untilLines(guest, ['안건부터 볼까요']);
  assert.deepEqual(await guest.find('note-speaker').allInnerTexts(), ['하나']);
  await guest.find('note-speech').check();
  await speak(guest, 'sounds good');
  assert.equal((await speech(guest)).lang, 'en-US');
  for (const visit of [host, guest]) await untilLines(visit, ['안건부터 볼까요', 'sounds good']);
  assert.deepEqual(await host.find('note-speaker').allInnerTexts(), ['하나', 'Dooly']);
});

test('recognition that ends by itself begins again, and stops while one is muted', async () => {
  const { begun } = await speech(guest);
  await guest.page.evaluate(() => window.__speech.pause());
  await until('it has begun again', () => speech(guest), (state) => state.begun === begun + 1);
  await speak(guest, 'still here');
  await guest.find('mic-button').click();
  await hears(guest, false);
  await until('it says so', () => guest.find('note-speech-state').getAttribute('data-state'), (state) => state === 'muted');
  await sleep(600);
  await hears(guest, false);
  await guest.find('mic-button').click();
  await speak(guest, 'and again');
  await untilLines(host, ['안건부터 볼까요', 'sounds good', 'still here', 'and again']);
});

test('a browser that isn’t allowed to listen says so, and leaves it at that', async () => {
  const { begun } = await speech(guest);
  await guest.page.evaluate(() => window.__speech.refuse('not-allowed'));
  await until('it says so', () => guest.find('note-speech-state').getAttribute('data-state'), (state) => state === 'denied');
  await sleep(800);
  assert.equal((await speech(guest)).begun, begun);
  await guest.find('note-speech').uncheck();
});

test('a line is written by hand, while Hangul is composed too', async () => {
  const input = await guest.see('note-input');
  await input.fill('by hand');
  await input.press('Enter');
  assert.equal(await input.inputValue(), '');
  await host.find('note-input').fill('손으로 쓴 줄\n두 번째 줄');
  await host.find('note-add').click();
  for (const visit of [host, guest]) await until('both lines', async () => (await lines(visit)).slice(-2), (texts) => texts.join('|') === 'by hand|손으로 쓴 줄\n두 번째 줄');
});

test('a reload is in the same note with all of its lines, and who comes later sees them too', async () => {
  await guest.page.reload();
  await guest.see('call');
  await (await guest.see('note-open')).click();
  await until('six lines', () => lines(guest), (texts) => texts.length === 6);
  await host.find('note-input').fill('after the reload');
  await host.find('note-input').press('Enter');
  await until('the seventh', async () => (await lines(guest)).at(-1), (text) => text === 'after the reload');
  const phone = await enterServers(await visitor(browser, { viewport: PHONE, locale: 'ko-KR' }), server, '늦은이');
  await accept(phone, await inviteAgain());
  await phone.find('open-channels').click();
  await call(phone, '수다방');
  await (await phone.see('note-notice')).getByTestId('note-open').click();
  await until('seven lines', () => lines(phone), (texts) => texts.length === 7);
  assert.ok(await phone.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  await phone.page.context().close();
});

/** A further invitation, made by the host in another tab: it is in a call in this one. */
async function inviteAgain() {
  const tab = await Visit.open(host.page.context(), server, `/s/${id}`);
  await tab.see('channel-view');
  const path = await invite(tab);
  await tab.page.close();
  return path;
}

test('a note that is ended goes from everyone’s call into the list, and is read there', async () => {
  await host.find('note-end').click();
  await (await host.see('confirm-button')).click();
  for (const visit of [host, guest]) {
    const note = visit.find('note').filter({ hasText: '주간 회의' });
    await note.waitFor();
    await note.click();
    await visit.see('note-reader');
    await until('all lines', () => lines(visit), (texts) => texts.length === 7);
  }
  await hears(host, false);
  await guest.find('note-back').click();
  await guest.see('note-start');
});

test('a note is saved as Markdown and as text', async () => {
  const save = async (format) => {
    const [download] = await Promise.all([host.page.waitForEvent('download'), host.find(`note-save-${format}`).click()]);
    return [download.suggestedFilename(), await readFile(await download.path(), 'utf8')];
  };
  const [markdownName, markdown] = await save('markdown');
  assert.match(markdownName, /^\d{4}-\d\d-\d\d 주간 회의\.md$/);
  assert.ok(markdown.startsWith('# 주간 회의\n'), markdown);
  assert.ok(markdown.includes('**하나**: 안건부터 볼까요') && markdown.includes('**Dooly**: by hand'), markdown);
  const [textName, text] = await save('text');
  assert.match(textName, /주간 회의\.txt$/);
  assert.ok(text.includes('하나: 안건부터 볼까요\nDooly: sounds good\n'), text);
});

test('the list is in the channel as well, for who isn’t in the call', async () => {
  await guest.find('leave-button').click();
  await guest.see('channel-view');
  await channelRow(guest, '수다방').getByTestId('voice-chat').click();
  await (await guest.see('channel-notes')).click();
  await guest.see('notes-dialog');
  await guest.find('note').filter({ hasText: '주간 회의' }).click();
  await until('all lines', () => lines(guest), (texts) => texts.length === 7);
  await guest.page.keyboard.press('Escape');
  await guest.find('notes-dialog').waitFor({ state: 'detached' });
});

test('a room has notes too; a browser without recognition says so, and its lines are written by hand', async () => {
  const context = await visitor(browser, { viewport: WIDE });
  await context.addInitScript(() => {
    delete window.SpeechRecognition;
    delete window.webkitSpeechRecognition;
  });
  const one = await Visit.open(context, server);
  await one.enterLobby('Three');
  const room = await one.createRoom({ name: 'Two of us', size: 2 });
  await one.join();
  await one.find('notes-button').click();
  assert.match(await (await one.see('note-speech-state')).innerText(), /can’t turn speech into text/);
  await one.find('note-start').click();
  await one.find('note-input').fill('written');
  await one.find('note-input').press('Enter');
  const other = await Visit.open(await visitor(browser, { viewport: WIDE }), server);
  await other.standBefore(room, { name: 'Four' });
  await other.join();
  await (await other.see('note-notice')).getByTestId('note-open').click();
  await untilLines(other, ['written']);
  await other.find('note-input').fill('answered');
  await other.find('note-input').press('Enter');
  await untilLines(one, ['written', 'answered']);
});
