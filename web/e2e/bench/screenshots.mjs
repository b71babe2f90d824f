// Pictures of every page in Korean and English, to be looked at: web/e2e/out/*.png.

import { mkdir, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { openChromium, SMALL, visitor } from '../lib/browser.mjs';
import { until } from '../lib/figures.mjs';
import { Visit } from '../lib/page.mjs';
import { startServer } from '../lib/server.mjs';
import { startShop } from '../lib/shop.mjs';
import { Client } from '../lib/socket.mjs';
import { shootServers } from './server_shots.mjs';

const OUT = fileURLToPath(new URL('../out/', import.meta.url));
const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };
const NAMES = { ko: ['민수', '지은', '하늘', '도윤'], en: ['Minsu', 'Alex', 'Robin', 'Sam'] };
const ROOMS = {
  ko: [['금요일 막걸리 모임', 4, 2], ['혼술러 환영', 2, 1], ['와인 이야기', 3, 0], ['비밀 모임', 4, 1, 'secret']],
  en: [['Friday makgeolli', 4, 2], ['Solo drinkers welcome', 2, 1], ['Wine talk', 3, 0], ['Members only', 4, 1, 'secret']],
};
const WORDS = {
  ko: { tonight: '오늘의 건배', chat: ['다들 안녕하세요!', '안주는 뭐예요?', '해물파전이요', '짠!'] },
  en: { tonight: 'Tonight’s toast', chat: ['Hello everyone!', 'What are you eating?', 'Seafood pancake', 'Cheers!'] },
};

await rm(OUT, { recursive: true, force: true });
await mkdir(OUT, { recursive: true });
const browser = await openChromium({ args: ['--auto-select-desktop-capture-source=Entire screen'] });
try {
  for (const lang of ['ko', 'en']) await withServers((server, shop) => shoot(lang, server, shop));
} finally {
  await browser.close();
}

/** A server for each language, so that the lobby of one doesn't show the rooms of the other. */
async function withServers(use) {
  const server = await startServer();
  const shop = await startShop(server);
  try {
    await use(server, shop);
  } finally {
    await shop.stop();
    await server.stop();
  }
}

async function shoot(lang, server, shop) {
  const locale = lang === 'ko' ? 'ko-KR' : 'en-US';
  const shot = (page, name) => page.screenshot({ path: `${OUT}${name}-${lang}.png`, animations: 'disabled' });
  const enter = async (viewport, name) => {
    const visit = await Visit.open(await visitor(browser, { locale, viewport }), server);
    if (name) await visit.enterLobby(name);
    return visit;
  };

  const sitting = await fillLobby(lang, server);
  const stranger = await enter(DESKTOP);
  await stranger.see('name-gate');
  await shot(stranger.page, 'welcome');
  await stranger.page.context().close();
  const host = await enter(DESKTOP, NAMES[lang][0]);
  await until('the lobby is full of rooms', () => host.find('room-card').count(), (count) => count >= ROOMS[lang].length);
  await shot(host.page, 'lobby');
  const phone = await enter(PHONE, NAMES[lang][3]);
  await phone.see('room-card');
  await shot(phone.page, 'phone-lobby');

  await (await host.see('create-room')).click();
  await shot(host.page, 'create');
  await host.goto('/');
  const room = await host.createRoom({ name: WORDS[lang].tonight, size: 4 });
  await until('the preview moves', async () => host.page.evaluate(() => document.querySelector('video')?.videoWidth > 0));
  await shot(host.page, 'pre-join');
  await host.join();
  // Wide enough for the chat to be open.
  const friends = [await enter(SMALL), await enter(SMALL), phone];
  for (const [n, friend] of friends.entries()) {
    await friend.standBefore(room, { name: NAMES[lang][n + 1] });
    if (friend === phone) await shot(phone.page, 'phone-pre-join');
    await friend.join();
  }
  for (const visit of [host, ...friends]) await visit.seeMoving(3);
  for (const [n, text] of WORDS[lang].chat.entries()) await [host, friends[0], friends[1], host][n].say(text);
  await host.seeMessage(WORDS[lang].chat.at(-1));
  await shot(host.page, 'call');
  await shot(phone.page, 'phone-call');
  await shootControls(lang, shot, host, friends);

  const fifth = await enter(DESKTOP);
  await fifth.standBefore(room, { name: NAMES[lang][1] });
  await fifth.clickJoin();
  await fifth.errorText();
  await shot(fifth.page, 'room-full');
  for (const visit of [host, ...friends, fifth]) await visit.page.context().close();
  for (const client of sitting) client.close();
  await shootShop(lang, locale, shot, server, shop);
  await shootServers(lang, browser, server, shot, { desktop: DESKTOP, phone: PHONE });
}

/** What one can do about others, a shared screen, and the figures. */
async function shootControls(lang, shot, host, [friend, , phone]) {
  const [, friendName] = NAMES[lang];
  await openMenu(host, friendName);
  await shot(host.page, 'menu');
  await host.page.keyboard.press('Escape');
  await openMenu(phone, friendName);
  await shot(phone.page, 'phone-menu');
  await phone.page.keyboard.press('Escape');
  await host.choose(friendName, 'moderate-mic');
  await friend.see('moderation-notice');
  await shot(friend.page, 'moderated');
  await friend.find('screen-button').click();
  await host.see('screen-tile');
  await until('the screen', () => host.page.evaluate(() => document.querySelector('[data-testid="screen-video"]')?.videoWidth > 0));
  await until('qualities', () => host.find('quality').count(), (count) => count > 0);
  await shot(host.page, 'screen');
  await shot(phone.page, 'phone-screen');
  await shot(friend.page, 'sharing');
  await host.choose(friendName, 'stats-button');
  await host.see('stats-line');
  await until('measured lines', () => host.page.locator('[data-testid="stats-line"][data-state="flows"]').count(), (count) => count > 4);
  await shot(host.page, 'stats');
  await host.page.keyboard.press('Escape');
  await phone.choose(friendName, 'stats-button');
  await phone.see('stats-line');
  await shot(phone.page, 'phone-stats');
  await phone.page.keyboard.press('Escape');
}

async function openMenu(visit, name) {
  const tile = visit.find('tile').filter({ has: visit.page.locator('.tile-name', { hasText: name }) }).first();
  await tile.hover();
  await tile.getByTestId('tile-menu').click();
  await tile.getByTestId('mute-for-me').waitFor();
}

/** Rooms with people in them, so that the lobby has something to show. */
async function fillLobby(lang, server) {
  const clients = [];
  for (const [name, capacity, people, password] of ROOMS[lang]) {
    const owner = await Client.connect(server, { name: NAMES[lang][0] });
    const room = await owner.createRoom({ name, capacity, password });
    clients.push(owner);
    for (let n = 0; n < people; n += 1) {
      const client = n === 0 ? owner : await Client.connect(server, { name: NAMES[lang][n] });
      await client.join(room.id, { password });
      clients.push(client);
    }
  }
  return clients;
}

async function shootShop(lang, locale, shot, server, shop) {
  const pages = await Promise.all(
    [DESKTOP, PHONE].map(async (viewport) => (await visitor(browser, { locale, viewport })).newPage()),
  );
  const [desktop, phone] = pages;
  await desktop.goto(shop.url);
  await shot(desktop, 'shop');
  await phone.goto(shop.url);
  await shot(phone, 'phone-shop');
  await desktop.goto(`${shop.url}/p/moonlight-makgeolli`);
  await shot(desktop, 'shop-product');
  await desktop.getByTestId('shop-name').fill(NAMES[lang][0]);
  await desktop.getByTestId('together-button').click();
  await phone.goto(await desktop.getByTestId('invite-link').inputValue());
  await shot(phone, 'phone-shop-invite');
  await phone.getByTestId('shop-name').fill(NAMES[lang][1]);
  await phone.getByTestId('join-table').click();
  for (const page of pages) {
    const frame = await until('the frame', async () => (await page.getByTestId('room-frame').elementHandle())?.contentFrame());
    const visit = new Visit(frame, server);
    await visit.join();
    page.visit = visit;
  }
  for (const page of pages) await page.visit.seeMoving(1);
  await shot(desktop, 'shop-table');
  await shot(phone, 'phone-shop-table');
  for (const page of pages) await page.context().close();
}
