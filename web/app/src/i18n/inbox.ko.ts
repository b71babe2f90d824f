// The words of the inbox, in Korean.

import type { inboxEn } from './inbox.en';

export const inboxKo: typeof inboxEn = {
  title: '알림',
  open: (unread) => (unread === 0 ? '알림' : `알림, 안 읽은 알림 ${unread}개`),
  close: '알림 닫기',
  empty: '아직 알림이 없어요',
  emptyText: '멘션, 답장, 초대, 일정 알림이 여기에 모여요.',
  failed: '알림을 불러오지 못했어요.',
  more: '이전 알림 보기',
  read: '읽음으로 표시',
  readAll: '모두 읽음',
  unread: '안 읽음',
  says: {
    mention: (name) => `${name}님이 회원님을 언급했어요`,
    reply: (name) => `${name}님이 회원님에게 답장했어요`,
    server_invite: (name, server) => `${name}님이 ${server} 서버에 초대했어요`,
    room_invite: (name, room) => `${name}님이 ${room} 방에 초대했어요`,
    schedule: (title) => `일정 시간이에요: ${title}`,
  },
  in: (channel, server) => `${server} 서버 · #${channel}`,
  accept: '수락',
  decline: '거절',
  accepted: '초대를 수락했어요.',
  declined: '초대를 거절했어요.',
  toServer: '서버로 가기',
  join: '방에 들어가기',
  toMessage: '메시지로 가기',
  follow: '열기',
  arrived: '새 알림',
  dismiss: '알림 닫기',
  browser: {
    switch: '다른 탭을 볼 때도 알려 주기',
    text: '이 탭이 가려져 있으면 브라우저 알림으로 알려 드려요.',
    denied: '브라우저가 이 페이지의 알림을 막고 있어요. 주소창에서 허용한 뒤 다시 시도해 주세요.',
    missing: '이 브라우저에서는 알림을 보여 줄 수 없어요.',
  },
};
