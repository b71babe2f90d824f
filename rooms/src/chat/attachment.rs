//! Whether files that belong to a message are described as they may be. Pure: nothing is fetched, and a description is its author's word.
//!
//! Readers' browsers open the address, so it is checked for what it may be, not for what it may not: visible ASCII, https, no credentials.

use crate::config::PlainHttp;
use crate::limits::invalid;
use crate::view::Attachment;
use crate::{Error, Result};

/// Most files of one message.
pub const ATTACHMENTS_MAX: usize = 10;
/// Longest address, in bytes.
pub const URL_BYTES_MAX: usize = 2_048;
/// Longest name of a file, in bytes.
pub const FILE_NAME_BYTES_MAX: usize = 255;
/// Longest type, in bytes, as RFC 6838 (section 4.2) has it for each half.
const MIME_BYTES_MAX: usize = 127;
/// Largest size, in bytes: what a number of JSON holds exactly.
const SIZE_BYTES_MAX: u64 = (1 << 53) - 1;
/// Longest side, in pixels.
const PIXELS_MAX: u32 = 65_535;

pub(crate) fn check(attachments: &[Attachment], plain_http: PlainHttp) -> Result<()> {
    if attachments.len() > ATTACHMENTS_MAX {
        return Err(invalid("attachments", format!("has {} entries, allowed are 0 to {ATTACHMENTS_MAX}", attachments.len())));
    }
    for (index, attachment) in attachments.iter().enumerate() {
        let at = |field: &str, reason: String| invalid("attachments", format!("[{index}].{field} {reason}"));
        check_url(&attachment.url, plain_http).map_err(|reason| at("url", reason))?;
        file_name(&attachment.name).map_err(|reason| at("name", reason))?;
        mime(&attachment.mime).map_err(|reason| at("mime", reason))?;
        if attachment.size_bytes > SIZE_BYTES_MAX {
            return Err(at("size_bytes", format!("is {}, allowed are 0 to {SIZE_BYTES_MAX}", attachment.size_bytes)));
        }
        if let Some((width, height)) = attachment.pixels {
            for (field, length) in [("width", width), ("height", height)] {
                if !(1..=PIXELS_MAX).contains(&length) {
                    return Err(at(field, format!("is {length}, allowed are 1 to {PIXELS_MAX}")));
                }
            }
        }
    }
    Ok(())
}

/// A file that is to be uploaded; `size_bytes` up to `bytes_max`.
pub(crate) fn check_file(name: &str, kind: &str, size_bytes: u64, bytes_max: u64) -> Result<()> {
    let at = |field: &'static str| move |reason| Error::Invalid { field, reason };
    file_name(name).map_err(at("name"))?;
    mime(kind).map_err(at("mime"))?;
    if (1..=bytes_max).contains(&size_bytes) {
        return Ok(());
    }
    Err(invalid("size_bytes", format!("is {size_bytes}, allowed are 1 to {bytes_max}")))
}

fn check_url(url: &str, plain_http: PlainHttp) -> std::result::Result<(), String> {
    if url.len() > URL_BYTES_MAX {
        return Err(format!("has {} bytes, allowed are 1 to {URL_BYTES_MAX}", url.len()));
    }
    // Browsers take a backslash for a slash, and drop line breaks, so that what is read here isn't what they open.
    if !url.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"`{}|\\^".contains(&byte)) {
        return Err("has a character that no address has: write it as % and two digits".to_owned());
    }
    let (rest, is_plain) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (rest, false),
        (None, Some(rest)) => (rest, true),
        (None, None) => return Err("doesn't begin with https://".to_owned()),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("has a user or a password in it, allowed is a host alone".to_owned());
    }
    let host = host(authority).ok_or_else(|| "has no host, or an odd port".to_owned())?;
    if is_plain && !(plain_http == PlainHttp::Loopback && is_loopback(host)) {
        return Err("doesn't begin with https://".to_owned());
    }
    Ok(())
}

fn host(authority: &str) -> Option<&str> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !authority.ends_with(']') => (host, Some(port)),
        Some(_) | None => (authority, None),
    };
    let port_fits = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    let named = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    let numbered = host.starts_with('[') && host.ends_with(']') && host[1..host.len() - 1].parse::<std::net::Ipv6Addr>().is_ok();
    (port_fits && !host.is_empty() && (named || numbered)).then_some(host)
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host == "[::1]" || host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

/// Of a file: it may become the end of an address and the name on a reader's disk.
fn file_name(name: &str) -> std::result::Result<(), String> {
    if !(1..=FILE_NAME_BYTES_MAX).contains(&name.len()) {
        return Err(format!("has {} bytes, allowed are 1 to {FILE_NAME_BYTES_MAX}", name.len()));
    }
    if name.chars().any(|char| char.is_control() || matches!(char, '/' | '\\'))
        || name.chars().all(|char| char == '.' || char.is_whitespace())
    {
        return Err("has a slash or a control character, or dots alone".to_owned());
    }
    Ok(())
}

/// `type/subtype`, without parameters.
fn mime(value: &str) -> std::result::Result<(), String> {
    let fits = |half: &str| {
        let mut bytes = half.bytes();
        (1..=MIME_BYTES_MAX).contains(&half.len())
            && bytes.next().is_some_and(|byte| byte.is_ascii_alphanumeric())
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    match value.split_once('/') {
        Some((kind, subtype)) if fits(kind) && fits(subtype) => Ok(()),
        Some(_) | None => Err("is no type/subtype, as image/jpeg".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn photo() -> Attachment {
        Attachment {
            url: "https://files.example/1.jpg".to_owned(),
            name: "안주 1.jpg".to_owned(),
            mime: "image/jpeg".to_owned(),
            size_bytes: 1,
            pixels: Some((1, 65_535)),
        }
    }

    fn refusal(attachment: Attachment) -> String {
        check(&[photo(), attachment], PlainHttp::Refused).unwrap_err().to_string()
    }

    #[test]
    fn an_address_is_https_without_credentials() {
        let long = format!("https://a/{}", "x".repeat(URL_BYTES_MAX - 10));
        for good in ["https://a", "https://a.example:8443/x?y=%20#z", "https://[2001:db8::1]/", "https://a/b@c:d", &long] {
            assert_eq!(check_url(good, PlainHttp::Refused), Ok(()), "{good}");
        }
        let longer = format!("{long}x");
        for bad in [
            "",
            "a",
            "//a/b",
            "http://a/b",
            "http://localhost/b",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://",
            "https:///b",
            "https://user@a/b",
            "https://user:pw@a/b",
            "https://a\\@b/",
            "https://a/\nb",
            "https://a b",
            "https://a/안주",
            "https://a:port/",
            "https://a:0/",
            "https://a:1:2/",
            "https://[::1/",
            "https://[x]/",
            " https://a",
            "https://a/<b>",
            &longer,
        ] {
            assert!(check_url(bad, PlainHttp::Loopback).is_err() || bad == "http://localhost/b", "{bad}");
            assert!(check_url(bad, PlainHttp::Refused).is_err(), "{bad}");
        }
    }

    #[test]
    fn plain_http_is_for_ones_own_machine_alone() {
        for good in ["http://localhost:9000/b/k", "http://127.0.0.1/k", "http://127.3.2.1:1/k", "http://[::1]:9000/k"] {
            assert_eq!(check_url(good, PlainHttp::Loopback), Ok(()), "{good}");
        }
        for bad in ["http://localhost.example/k", "http://10.0.0.1/k", "http://127.0.0.1.example/", "http://localhost@a/k"] {
            assert!(check_url(bad, PlainHttp::Loopback).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_refusal_says_which_and_what() {
        let refused = |change: fn(&mut Attachment)| {
            let mut attachment = photo();
            change(&mut attachment);
            refusal(attachment)
        };
        assert!(refused(|one| one.url = "ftp://a".to_owned()).starts_with("attachments: [1].url doesn't begin with https://"));
        for name in ["", "a/b", "a\\b", "a\nb", ".", "..", " . "] {
            let message = refusal(Attachment { name: name.to_owned(), ..photo() });
            assert!(message.starts_with("attachments: [1].name "), "{name:?}: {message}");
        }
        for mime in ["", "image", "image/", "/jpeg", "image/jpeg; q=1", "image/jp eg", "a/b/c", ".a/b"] {
            let message = refusal(Attachment { mime: mime.to_owned(), ..photo() });
            assert!(message.starts_with("attachments: [1].mime "), "{mime:?}: {message}");
        }
        assert!(refused(|one| one.size_bytes = 1 << 53).starts_with("attachments: [1].size_bytes "));
        assert!(refused(|one| one.pixels = Some((0, 1))).starts_with("attachments: [1].width "));
        assert!(refused(|one| one.pixels = Some((1, 65_536))).starts_with("attachments: [1].height "));
        assert_eq!(check(&vec![photo(); 10], PlainHttp::Refused), Ok(()));
        let many = check(&vec![photo(); 11], PlainHttp::Refused).unwrap_err();
        assert_eq!(many.to_string(), "attachments: has 11 entries, allowed are 0 to 10");
    }
}
