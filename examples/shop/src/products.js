// The shelf. Prices are in won; drawings are inline SVG, so that the shop loads nothing from elsewhere.

import { html } from './html.js';

const makgeolliArt = html`<svg viewBox="0 0 200 220" role="img" aria-hidden="true">
  <ellipse cx="100" cy="202" rx="70" ry="8" fill="#000" opacity=".08"/>
  <path d="M83 26h26v26c0 12 19 20 19 46v88c0 9-5 14-14 14H78c-9 0-14-5-14-14V98c0-26 19-34 19-46z" fill="#fdfaf3"/>
  <path d="M109 26v26c0 12 19 20 19 46v88c0 9-5 14-14 14h-12c9 0 12-5 12-14V98c0-26-17-34-17-46V26z" fill="#e9e0cc"/>
  <rect x="80" y="14" width="32" height="18" rx="5" fill="#5c8a57"/>
  <rect x="64" y="108" width="64" height="58" fill="#5c8a57"/>
  <path d="M96 118c-13 10-13 28 0 38 13-10 13-28 0-38zm-20 20c2 12 9 18 20 18m20-18c-2 12-9 18-20 18" fill="none" stroke="#fdfaf3" stroke-width="3" stroke-linecap="round"/>
  <path d="M132 172h48c0 18-10 28-24 28s-24-10-24-28z" fill="#b98a4e"/><ellipse cx="156" cy="172" rx="24" ry="6" fill="#fdfaf3"/>
</svg>`;

const sojuArt = html`<svg viewBox="0 0 200 220" role="img" aria-hidden="true">
  <ellipse cx="98" cy="202" rx="66" ry="8" fill="#000" opacity=".08"/>
  <path d="M74 22h22v44c0 14 16 20 16 42v80c0 8-4 12-12 12H70c-8 0-12-4-12-12v-80c0-22 16-28 16-42z" fill="#4fb08c"/>
  <path d="M96 22v44c0 14 16 20 16 42v80c0 8-4 12-12 12H88c8 0 12-4 12-12v-80c0-22-14-28-14-42V22z" fill="#388f70"/>
  <rect x="71" y="12" width="28" height="16" rx="4" fill="#e9edf0"/>
  <rect x="58" y="118" width="54" height="54" rx="2" fill="#f6fbf8"/>
  <circle cx="85" cy="140" r="11" fill="#ef7d6b"/><path d="M68 160h34" stroke="#388f70" stroke-width="4" stroke-linecap="round"/>
  <path d="M128 158h36l-4 38c0 3-3 4-5 4h-18c-2 0-5-1-5-4z" fill="#d9efe6" opacity=".9"/><path d="M130 176h32l-2 20c0 3-3 4-5 4h-18c-2 0-5-1-5-4z" fill="#fff"/>
</svg>`;

const beerArt = html`<svg viewBox="0 0 200 220" role="img" aria-hidden="true">
  <ellipse cx="100" cy="202" rx="70" ry="8" fill="#000" opacity=".08"/>
  <path d="M134 92h22c14 0 22 9 22 24v30c0 15-8 24-22 24h-22v-16h20c5 0 8-3 8-9v-28c0-6-3-9-8-9h-20z" fill="#e6ecef"/>
  <path d="M50 70h88v116c0 9-5 14-14 14H64c-9 0-14-5-14-14z" fill="#f2a93b"/>
  <path d="M116 70h22v116c0 9-5 14-14 14h-14c9 0 6-5 6-14z" fill="#d98a20"/>
  <path d="M68 104v72M94 104v72" stroke="#ffd58a" stroke-width="8" stroke-linecap="round"/>
  <path d="M42 74c-8-14 2-30 18-28 4-16 28-20 36-6 12-8 30-2 31 13 15-1 24 12 17 24-4 7-12 8-18 6-4 8-18 8-22 0-6 8-18 8-24 0-4 12-22 10-24-2-6 2-12-2-14-7z" fill="#fffdf7"/>
</svg>`;

const wineArt = html`<svg viewBox="0 0 200 220" role="img" aria-hidden="true">
  <ellipse cx="104" cy="202" rx="66" ry="8" fill="#000" opacity=".08"/>
  <path d="M66 16h20v52c0 16 20 16 20 46v74c0 8-4 12-12 12H58c-8 0-12-4-12-12v-74c0-30 20-30 20-46z" fill="#6b2540"/>
  <path d="M86 16v52c0 16 20 16 20 46v74c0 8-4 12-12 12H82c8 0 12-4 12-12v-74c0-30-18-30-18-46V16z" fill="#4e1a2f"/>
  <rect x="63" y="10" width="26" height="30" rx="4" fill="#c9a25d"/>
  <rect x="46" y="124" width="60" height="48" fill="#f7efe4"/><path d="M56 138h40M56 148h40M56 158h24" stroke="#6b2540" stroke-width="3" stroke-linecap="round"/>
  <path d="M124 96h44c6 30-2 50-18 53v43h16v8h-40v-8h16v-43c-16-3-24-23-18-53z" fill="#f2e3e7"/><path d="M123 114h46c2 20-6 35-19 35h-8c-13 0-21-15-19-35z" fill="#a23457"/>
</svg>`;

const highballArt = html`<svg viewBox="0 0 200 220" role="img" aria-hidden="true">
  <ellipse cx="100" cy="202" rx="60" ry="8" fill="#000" opacity=".08"/>
  <path d="M122 10l10 3-22 92-10-3z" fill="#e86a5d"/>
  <path d="M58 56h84l-9 134c-1 7-5 10-11 10H78c-6 0-10-3-11-10z" fill="#eef5f6" opacity=".95"/>
  <path d="M61 84h78l-7 104c-1 6-4 8-10 8H78c-6 0-9-2-10-8z" fill="#f3c659"/>
  <rect x="76" y="96" width="30" height="30" rx="5" fill="#fff" opacity=".65" transform="rotate(-10 91 111)"/>
  <rect x="96" y="132" width="28" height="28" rx="5" fill="#fff" opacity=".55" transform="rotate(12 110 146)"/>
  <circle cx="144" cy="62" r="26" fill="#f6e27a"/><circle cx="144" cy="62" r="20" fill="#fdf6c4"/>
  <path d="M144 42v40M124 62h40M130 48l28 28M158 48l-28 28" stroke="#f0d24b" stroke-width="3"/>
</svg>`;

const zeroArt = html`<svg viewBox="0 0 200 220" role="img" aria-hidden="true">
  <ellipse cx="100" cy="202" rx="58" ry="8" fill="#000" opacity=".08"/>
  <path d="M62 36h76l10 18v126l-10 18H62l-10-18V54z" fill="#7fb4e3"/><path d="M120 36h18l10 18v126l-10 18h-18l6-18V54z" fill="#5d95c8"/>
  <ellipse cx="100" cy="36" rx="38" ry="7" fill="#dfe8ef"/><ellipse cx="104" cy="35" rx="12" ry="3" fill="#a9b8c4"/>
  <circle cx="96" cy="116" r="32" fill="#fff"/><ellipse cx="96" cy="116" rx="13" ry="18" fill="none" stroke="#5d95c8" stroke-width="7"/>
  <circle cx="70" cy="72" r="4" fill="#fff" opacity=".8"/><circle cx="118" cy="164" r="5" fill="#fff" opacity=".7"/><circle cx="74" cy="168" r="3" fill="#fff" opacity=".8"/>
</svg>`;

/** In the order of the shelf. `abv` is alcohol by volume, in per cent. */
export const products = [
  {
    slug: 'moonlight-makgeolli',
    price: 9_800,
    abv: 6,
    size: '750 ml',
    art: makgeolliArt,
    ko: { name: '달빛 생막걸리', line: '햅쌀로 빚어 부드럽고 은은하게 단 생막걸리', pair: '해물파전, 두부김치' },
    en: { name: 'Moonlight makgeolli', line: 'Unfiltered new-rice brew, soft and gently sweet', pair: 'seafood pancake, tofu with kimchi' },
  },
  {
    slug: 'pine-soju',
    price: 14_500,
    abv: 25,
    size: '375 ml',
    art: sojuArt,
    ko: { name: '솔바람 증류소주', line: '솔잎 향이 길게 남는 전통 증류 소주', pair: '삼겹살, 회' },
    en: { name: 'Pine breeze soju', line: 'Pot-distilled, with a long note of pine', pair: 'grilled pork belly, sashimi' },
  },
  {
    slug: 'dokkaebi-ipa',
    price: 5_900,
    abv: 5.8,
    size: '500 ml',
    art: beerArt,
    ko: { name: '도깨비 IPA', line: '감귤 향 홉과 쌉쌀한 끝맛의 크래프트 맥주', pair: '치킨, 감자튀김' },
    en: { name: 'Dokkaebi IPA', line: 'Tangerine hops and a clean bitter finish', pair: 'fried chicken, chips' },
  },
  {
    slug: 'bokbunja-wine',
    price: 22_000,
    abv: 14,
    size: '375 ml',
    art: wineArt,
    ko: { name: '고창 복분자주', line: '잘 익은 복분자의 진하고 새콤한 과실주', pair: '치즈, 장어구이' },
    en: { name: 'Black raspberry wine', line: 'Deep and tart, from ripe Gochang berries', pair: 'cheese, grilled eel' },
  },
  {
    slug: 'yuja-highball',
    price: 4_500,
    abv: 7,
    size: '355 ml',
    art: highballArt,
    ko: { name: '유자 하이볼', line: '고흥 유자청을 넣은 상큼한 캔 하이볼', pair: '타코야키, 연어' },
    en: { name: 'Yuja highball', line: 'Bright citrus from Goheung yuja, ready to pour', pair: 'takoyaki, salmon' },
  },
  {
    slug: 'zero-lager',
    price: 2_900,
    abv: 0,
    size: '350 ml',
    art: zeroArt,
    ko: { name: '제로 라거', line: '오늘은 쉬어가는 사람을 위한 무알코올 라거', pair: '무엇이든' },
    en: { name: 'Zero lager', line: 'Alcohol-free, for whoever takes tonight off', pair: 'anything' },
  },
];

/** @param {string} slug */
export function productOf(slug) {
  return products.find((product) => product.slug === slug);
}
