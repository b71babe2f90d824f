//! Messages by the store alone.

use crate::backend::Backend;
use crate::load::{self, Load};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use rooms::store::{NewMessage, Nonce};
use rooms::view::Audience;
use rooms::{ChannelId, MessageId, User, UserId};
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

/// Channels that are written to at the same time.
const CHANNELS: usize = 16;

/// Bytes of a message's text, at least.
const TEXT_BYTES: usize = 120;

/// What is written, in Korean and English: an index of texts has as much to do as with people's messages.
const WORDS: &str = "오늘 막걸리 마시자 내일 회의 시작합니다 확인했어요 감사합니다 배포 서버 문제 없습니다 그래서 이번 주말 약속 저녁 먹고 가자 사진 보내줘 링크 여기 진짜 대박 \
    그런데 왜 안돼 로그 에러 메시지 나와요 수정 완료 리뷰 부탁드립니다 테스트 통과 고마워 알겠어 좋아요 나중에 다시 연락할게 건배 the of and to in is you that it was for on \
    are with they be this have from one had word but what all were when your can said there use each which she how their will other about out many then \
    them these some her would make like him into time has look two more write number way could people than first water been call who now find long";

/// Appends with `in_flight` of them waiting for their acknowledgement at any moment.
pub async fn measure(backend: &Backend, in_flight: usize, window: Duration) -> anyhow::Result<Load> {
    let store = backend.store.clone();
    let append = move |task: usize, n: u64| {
        let store = store.clone();
        async move {
            store.append(message(&format!("channel-{}", task % CHANNELS), task as u64, n, vec![])).await?;
            Ok(())
        }
    };
    load::keep(in_flight, window, append).await
}

/// As sessions make them: ids and nonces are random.
pub fn message(channel: &str, author: u64, n: u64, mentions: Vec<Audience>) -> NewMessage {
    NewMessage {
        id: MessageId::new(rooms::random_id("msg")),
        channel: ChannelId::new(channel),
        author: User { id: UserId::new(format!("user-{author:08}")), name: format!("사용자 {author}") },
        nonce: Nonce(rooms::random_id("n")),
        text: text(author, n),
        sent_at: SystemTime::now(),
        reply_to: None,
        mentions,
        attachments: vec![],
    }
}

/// Another one for each author and number, the same each time.
pub fn text(author: u64, n: u64) -> String {
    let (words, mut random) = (words(), StdRng::seed_from_u64((author << 32) | n));
    let mut text = String::with_capacity(TEXT_BYTES + 32);
    while text.len() < TEXT_BYTES {
        text += words[random.random_range(0..words.len())];
        text.push(' ');
    }
    text
}

fn words() -> &'static [&'static str] {
    static SPLIT: LazyLock<Vec<&str>> = LazyLock::new(|| WORDS.split_whitespace().collect());
    &SPLIT
}
