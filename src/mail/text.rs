//! How mails are worded: in Korean and in English, one below the other, since nobody knows the language of who reads an address.
//!
//! Plain text without markup: names come from people. Invariant: the one secret of a mail stands in its link and nowhere else.

use rooms::mail::MailInvitation;
use std::time::SystemTime;
use time::OffsetDateTime;
use time::macros::format_description;

/// One line.
pub(super) fn subject(invitation: &MailInvitation) -> String {
    let MailInvitation { by, server, .. } = invitation;
    format!("{by}님이 {server}에 초대했습니다 · {by} invites you to {server}")
}

/// The whole text.
pub(super) fn body(invitation: &MailInvitation, public_url: &str) -> String {
    let MailInvitation { by, server, secret, expires_at, .. } = invitation;
    let (link, until) = (format!("{public_url}/i/{secret}"), until(*expires_at));
    format!(
        "안녕하세요,

{by}님이 {server} 서버에 초대했습니다. 아래 링크로 들어오세요.

{link}

링크는 한 번만 쓸 수 있고 {until}(UTC)에 만료됩니다. 모르는 초대라면 이 메일을 무시하세요.


Hello,

{by} invites you to the server {server}. Come in by this link:

{link}

It can be used once and expires on {until} (UTC). If you don't know what this is about, ignore this mail.
"
    )
}

fn until(time: SystemTime) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]");
    OffsetDateTime::from(time).format(format).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_mail_says_in_both_languages_who_invites_where_and_until_when() {
        let invitation = MailInvitation {
            address: "bo@example.com".to_owned(),
            server: "술친구".to_owned(),
            by: "하나".to_owned(),
            secret: "invite_abc".to_owned(),
            expires_at: SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000),
        };
        assert_eq!(subject(&invitation), "하나님이 술친구에 초대했습니다 · 하나 invites you to 술친구");
        let body = body(&invitation, "https://call.example.com");
        assert_eq!(body.matches("https://call.example.com/i/invite_abc\n").count(), 2);
        assert_eq!(body.matches("2026-09-21 14:13").count(), 2, "{body}");
        assert!(!body.contains("bo@example.com") && !format!("{invitation:?}").contains("invite_abc"));
    }
}
