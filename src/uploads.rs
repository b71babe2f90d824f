//! Uploads into an S3-compatible bucket: signs the address to which a client puts one object.
//!
//! It talks to nobody: a signature needs the key and the time alone. Invariant: what is signed is one object, with its type and its exact length,
//! and a file that a browser would run is signed as one to be saved.

use crate::config::Uploads as Config;
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use rooms::uploads::{CantGrant, Grant, Object, Uploads};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::SystemTime;

/// A bucket, and what it takes to sign for it.
pub struct Bucket(Config);

impl Bucket {
    /// As it is configured.
    pub fn new(config: Config) -> Self {
        Self(config)
    }

    /// The address with its signature in the query.
    fn presign(&self, method: &str, url: &str, headers: &BTreeMap<&str, String>, now: SystemTime) -> Result<String, String> {
        let Config { region, access_key_id, secret_access_key, ttl, .. } = &self.0;
        let mut settings = SigningSettings::default();
        // As S3 wants it: the path as it stands, and the signature in the address.
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(*ttl);
        let identity = Credentials::new(access_key_id, secret_access_key.expose(), None, None, "zzan").into();
        let params = v4::SigningParams::builder().identity(&identity).region(region).name("s3").time(now).settings(settings);
        let params = params.build().map_err(|error| error.to_string())?.into();
        let headers = headers.iter().map(|(name, value)| (*name, value.as_str()));
        let request = SignableRequest::new(method, url, headers, SignableBody::UnsignedPayload).map_err(|error| error.to_string())?;
        let (instructions, _) = sign(request, &params).map_err(|error| error.to_string())?.into_parts();
        let mut query = String::new();
        for (name, value) in instructions.params() {
            let start = if query.is_empty() { '?' } else { '&' };
            query.push(start);
            query.push_str(name);
            query.push('=');
            push_encoded(&mut query, value);
        }
        Ok(format!("{url}{query}"))
    }
}

impl Uploads for Bucket {
    fn bytes_max(&self) -> u64 {
        self.0.bytes_max
    }

    fn grant(&self, object: &Object, now: SystemTime) -> Result<Grant, CantGrant> {
        let Object { id, name, mime, size_bytes } = object;
        let mut key = format!("{id}/");
        push_encoded(&mut key, name);
        let mut headers = BTreeMap::from([("content-type", mime.clone())]);
        if !is_shown(mime) {
            headers.insert("content-disposition", "attachment".to_owned());
        }
        // Signed but not told: browsers set it themselves, from the file, and let nobody else do so.
        let mut signed = headers.clone();
        signed.insert("content-length", size_bytes.to_string());
        let url = format!("{}/{}/{key}", self.0.endpoint, self.0.bucket);
        let upload_url = self.presign("PUT", &url, &signed, now).map_err(|error| {
            tracing::error!(error, "an upload can't be signed");
            CantGrant
        })?;
        let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Ok(Grant { upload_url, headers, url: format!("{}/{key}", self.0.public_url), expires_in: self.0.ttl })
    }
}

/// Whether a browser shows it without running anything. A picture in SVG can have scripts.
fn is_shown(mime: &str) -> bool {
    let mime = mime.to_ascii_lowercase();
    let picture = ["image/jpeg", "image/png", "image/gif", "image/webp", "image/avif"].contains(&&*mime);
    picture || mime.starts_with("audio/") || mime.starts_with("video/")
}

/// As a signature wants it: all but RFC 3986's unreserved characters as % and two digits.
fn push_encoded(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("writing to a String can't fail");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config as NodeConfig;
    use std::time::Duration;

    fn bucket(lines: &str) -> Bucket {
        let text = format!("dev = true\n[uploads]\n{lines}");
        let (config, _) = NodeConfig::of_text(&text, vec![]).expect("fits");
        Bucket::new(config.uploads.expect("there"))
    }

    /// The example that "Authenticating Requests: Using Query Parameters" of the S3 API reference works through.
    #[test]
    fn the_documented_example_gets_the_documented_signature() {
        let bucket = bucket(
            "endpoint = \"https://examplebucket.s3.amazonaws.com\"\nbucket = \"examplebucket\"\nttl_s = 86400\n\
            access_key_id = \"AKIAIOSFODNN7EXAMPLE\"\nsecret_access_key = \"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\"",
        );
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_369_353_600);
        let url = bucket.presign("GET", "https://examplebucket.s3.amazonaws.com/test.txt", &BTreeMap::new(), at).expect("signed");
        assert_eq!(
            url,
            "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256\
            &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z\
            &X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
            &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
        );
    }

    fn granted(name: &str, mime: &str) -> Grant {
        let bucket = bucket(
            "endpoint = \"https://s3.example:9000\"\nbucket = \"photos\"\nregion = \"ap-northeast-2\"\npublic_url = \"https://files.example/p/\"\n\
            access_key_id = \"AKID\"\nsecret_access_key = \"a secret\"",
        );
        let object = Object { id: "file_1".to_owned(), name: name.to_owned(), mime: mime.to_owned(), size_bytes: 1_234 };
        bucket.grant(&object, SystemTime::now()).expect("signed")
    }

    #[test]
    fn an_object_is_put_under_its_id_and_read_at_the_public_address() {
        let grant = granted("안주 1+.jpg", "image/jpeg");
        let key = "file_1/%EC%95%88%EC%A3%BC%201%2B.jpg";
        assert!(grant.upload_url.starts_with(&format!("https://s3.example:9000/photos/{key}?X-Amz-Algorithm=")), "{}", grant.upload_url);
        assert!(grant.upload_url.contains("&X-Amz-SignedHeaders=content-length%3Bcontent-type%3Bhost&"), "{}", grant.upload_url);
        assert_eq!(grant.url, format!("https://files.example/p/{key}"));
        assert_eq!(grant.headers, BTreeMap::from([("content-type".to_owned(), "image/jpeg".to_owned())]));
        assert_eq!(grant.expires_in, Duration::from_secs(600));
        assert!(!grant.upload_url.contains("secret"));
    }

    #[test]
    fn what_a_browser_would_run_is_to_be_saved() {
        for mime in ["text/html", "image/svg+xml", "application/pdf", "application/xhtml+xml", "TEXT/HTML"] {
            let grant = granted("a", mime);
            assert_eq!(grant.headers.get("content-disposition").map(String::as_str), Some("attachment"), "{mime}");
            assert!(grant.upload_url.contains("content-disposition%3Bcontent-length"), "{}", grant.upload_url);
        }
        for mime in ["image/PNG", "video/mp4", "audio/ogg"] {
            assert_eq!(granted("a", mime).headers.len(), 1, "{mime}");
        }
    }
}
