// The words of direct channels, in Korean.

import type { directEn } from './direct.en';

export const directKo: typeof directEn = {
  about: '이 대화의 내용',
  subject: '대상',
  people: '대화하는 사람',
  open: '페이지 열기',
  yes: '예',
  no: '아니요',
  facts: { state: '상태', price: '가격', place: '장소', time: '시간', seller: '판매자', buyer: '구매자', quantity: '수량' },
  states: { on_sale: '판매 중', reserved: '예약 중', sold: '판매 완료' },
  asGuest: '손님으로 계속하기',
};
