//! `application/trickle-ice-sdpfrag` (RFC 8840): the few lines of SDP that travel when ICE restarts.
//!
//! Candidates of clients are of no use to an ICE-lite server, which learns addresses from their checks. Invariant: credentials that were read
//! hold nothing but the characters that ICE allows, so that they can be put into an SDP.

/// The client's half of an ICE session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    pub ufrag: String,
    pub password: String,
}

/// The first credentials of an SDP or of a fragment, if they are sound (RFC 8839 §5.4).
pub fn credentials(text: &str) -> Option<Credentials> {
    let value = |name: &str| text.lines().find_map(|line| line.trim_end().strip_prefix(name)).map(str::to_owned);
    let (ufrag, password) = (value("a=ice-ufrag:")?, value("a=ice-pwd:")?);
    let is_ice = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'));
    let sound = (4..=256).contains(&ufrag.len()) && (22..=256).contains(&password.len()) && is_ice(&ufrag) && is_ice(&password);
    sound.then_some(Credentials { ufrag, password })
}

/// The offer with other credentials in all its m-lines.
pub fn restarted(offer: &str, ice: &Credentials) -> String {
    let line = |line: &str| {
        let line = line.trim_end();
        if line.starts_with("a=ice-ufrag:") {
            format!("a=ice-ufrag:{}\r\n", ice.ufrag)
        } else if line.starts_with("a=ice-pwd:") {
            format!("a=ice-pwd:{}\r\n", ice.password)
        } else {
            format!("{line}\r\n")
        }
    };
    offer.lines().map(line).collect()
}

/// What an answer says of ICE, for the client to apply to the answer that it has.
pub fn of_answer(answer: &str) -> String {
    let Some(ice) = credentials(answer) else { return String::new() };
    let mut fragment = format!("a=ice-lite\r\na=ice-ufrag:{}\r\na=ice-pwd:{}\r\n", ice.ufrag, ice.password);
    let media = answer.lines().skip_while(|line| !line.starts_with("m="));
    let first = media.clone().take(1).chain(media.skip(1).take_while(|line| !line.starts_with("m=")));
    let kept = ["m=", "a=mid:", "a=candidate:", "a=end-of-candidates"];
    for line in first.filter(|line| kept.iter().any(|kept| line.starts_with(kept))) {
        fragment.push_str(line.trim_end());
        fragment.push_str("\r\n");
    }
    fragment
}

#[cfg(test)]
mod tests {
    use super::*;

    const SDP: &str = "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n\
        a=candidate:1 1 udp 2130706175 192.0.2.1 5000 typ host\r\na=end-of-candidates\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n";

    #[test]
    fn credentials_are_read_and_replaced_in_all_m_lines() {
        let fragment = "a=ice-ufrag:EFGH\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\na=candidate:x\r\n";
        let ice = credentials(fragment).expect("sound");
        assert_eq!((ice.ufrag.as_str(), ice.password.as_str()), ("EFGH", "abcdefghijklmnopqrstuv"));
        let offer = restarted(SDP, &ice);
        assert_eq!(offer.matches("a=ice-ufrag:EFGH\r\n").count(), 2);
        assert!(!offer.contains("abcd\r\n") && offer.lines().count() == SDP.lines().count());
    }

    #[test]
    fn what_could_break_an_sdp_is_no_credential() {
        let with = |ufrag: &str, password: &str| credentials(&format!("a=ice-ufrag:{ufrag}\r\na=ice-pwd:{password}\r\n"));
        assert!(with("abcd", "0123456789012345678901").is_some());
        for (ufrag, password) in
            [("abc", "0123456789012345678901"), ("abcd", "short"), ("ab cd", "0123456789012345678901"), ("abcd;", "0123456789012345678901")]
        {
            assert_eq!(with(ufrag, password), None, "{ufrag} {password}");
        }
        assert_eq!(credentials("a=ice-ufrag:abcd"), None);
        assert_eq!(credentials(""), None);
    }

    #[test]
    fn an_answers_fragment_has_the_first_m_line_alone() {
        let fragment = of_answer(SDP);
        assert_eq!(fragment.matches("m=").count(), 1);
        assert!(fragment.contains("a=mid:0\r\n") && fragment.contains("a=candidate:1 ") && !fragment.contains("a=mid:1"));
    }
}
