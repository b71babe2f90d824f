//! Tokens of people: JWTs signed with HS256 by the node or by a shop that shares a key with it.
//!
//! Not the API keys of backends. One invariant: a key id has one algorithm, so that a token can't choose how it is checked.

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use rooms::session::{Grants, RoomGrants};
use rooms::{RoomId, User, UserId};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The `aud` of every token.
pub const AUDIENCE: &str = "zzan";
/// How far the clocks of issuer and node may differ.
pub const LEEWAY: Duration = Duration::from_secs(60);
/// HS256 is as strong as its secret (RFC 7518, section 3.2).
pub const SECRET_BYTES_MIN: usize = 32;
/// Longest `sub`.
pub const SUB_BYTES_MAX: usize = 128;
/// Latest `exp`: the end of the year 9999, beyond which no date can be written.
const EXP_MAX: u64 = 253_402_300_799;
/// Longest `name`, in characters.
pub const NAME_CHARS_MAX: usize = 64;

/// A key that signs and checks tokens.
#[derive(Clone)]
pub struct Key {
    id: String,
    secret: Vec<u8>,
}

impl Key {
    /// A key of a secret of at least [`SECRET_BYTES_MIN`] bytes.
    ///
    /// # Errors
    /// [`WeakKey`] for a shorter secret or an empty id.
    pub fn new(id: impl Into<String>, secret: impl Into<Vec<u8>>) -> Result<Self, WeakKey> {
        let (id, secret) = (id.into(), secret.into());
        if id.is_empty() || secret.len() < SECRET_BYTES_MIN { Err(WeakKey) } else { Ok(Self { id, secret }) }
    }

    /// The key's id: `kid` and `iss` of its tokens.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Signs a token that is valid from `now` for `life`. How long a life is right for which token is the issuer's to decide.
    ///
    /// # Errors
    /// [`MintError`] for a `sub` or name out of bounds: such a token would be refused.
    pub fn mint(&self, subject: &Subject, now: SystemTime, life: Duration) -> Result<String, MintError> {
        check_user(subject.user.id.as_str(), &subject.user.name).map_err(MintError::Subject)?;
        let issued_at = unix_seconds(now);
        let (typ, grants) = match &subject.grants {
            Grants::User => (Typ::User, None),
            Grants::Room(grants) => (Typ::Room, Some(GrantsClaim::from(grants))),
        };
        let claims = Claims {
            iss: self.id.clone(),
            aud: AUDIENCE.to_owned(),
            sub: subject.user.id.as_str().to_owned(),
            name: subject.user.name.clone(),
            iat: issued_at,
            nbf: issued_at,
            exp: issued_at.saturating_add(life.as_secs()),
            jti: rooms::random_id("tok"),
            typ,
            locale: subject.locale.clone(),
            plan: subject.plan.clone(),
            grants,
        };
        let header = Header { kid: Some(self.id.clone()), ..Header::new(Algorithm::HS256) };
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(&self.secret)).map_err(|_| MintError::Signing)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The secret is shorter than [`SECRET_BYTES_MIN`], or the id is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key needs an id and a secret of at least {SECRET_BYTES_MIN} bytes")]
pub struct WeakKey;

/// Why a token can't be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MintError {
    /// The user's id or name is out of bounds.
    #[error("{0}")]
    Subject(&'static str),
    /// The cryptography failed.
    #[error("the token could not be signed")]
    Signing,
}

/// For whom a token is, and what it allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    pub user: User,
    pub grants: Grants,
    /// A BCP 47 tag that the issuer prefers for this user.
    pub locale: Option<String>,
    /// The name of the user's plan.
    pub plan: Option<String>,
}

/// A token that passed every check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    pub subject: Subject,
    /// `exp`, without the leeway.
    pub expires_at: SystemTime,
    /// The key that signed it.
    pub key: String,
    /// The token's own id.
    pub jti: String,
}

/// Why a token is refused. The text is fit for the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("token missing")]
    Missing,
    #[error("token malformed")]
    Malformed,
    #[error("token signed with an unknown key")]
    UnknownKey,
    #[error("token signed with another algorithm than its key's")]
    Algorithm,
    #[error("token signature wrong")]
    Signature,
    #[error("token expired")]
    Expired,
    #[error("token not valid yet")]
    NotYet,
    #[error("token made for somebody else")]
    Audience,
    #[error("token issuer wrong")]
    Issuer,
    #[error("token claim missing or out of bounds")]
    Claim,
}

/// All keys of which tokens are accepted.
#[derive(Debug, Clone, Default)]
pub struct Keys(HashMap<String, Key>);

impl Keys {
    /// The keys by their ids; of two with one id the last stays.
    pub fn new(keys: impl IntoIterator<Item = Key>) -> Self {
        Self(keys.into_iter().map(|key| (key.id.clone(), key)).collect())
    }

    /// One key.
    pub fn key(&self, id: &str) -> Option<&Key> {
        self.0.get(id)
    }

    /// Checks a token, with or without `Bearer ` before it: signature, algorithm, `iss aud sub exp nbf jti typ`, and the bounds of `sub`
    /// and `name`.
    ///
    /// # Errors
    /// [`Refused`] says which check failed first.
    pub fn verify(&self, token: &str) -> Result<Verified, Refused> {
        let token = token.strip_prefix("Bearer ").unwrap_or(token).trim();
        if token.is_empty() {
            return Err(Refused::Missing);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|error| refusal(error.kind()))?;
        let key = header.kid.and_then(|kid| self.0.get(&kid)).ok_or(Refused::UnknownKey)?;
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = LEEWAY.as_secs();
        validation.validate_nbf = true;
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[&key.id]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp", "nbf"]);
        let claims = jsonwebtoken::decode::<Claims>(token, &DecodingKey::from_secret(&key.secret), &validation)
            .map_err(|error| refusal(error.kind()))?
            .claims;
        claims.into_verified(key)
    }
}

fn refusal(kind: &ErrorKind) -> Refused {
    match kind {
        ErrorKind::InvalidSignature => Refused::Signature,
        ErrorKind::ExpiredSignature => Refused::Expired,
        ErrorKind::ImmatureSignature => Refused::NotYet,
        ErrorKind::InvalidAudience => Refused::Audience,
        ErrorKind::InvalidIssuer => Refused::Issuer,
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName | ErrorKind::UnsupportedAlgorithm => Refused::Algorithm,
        ErrorKind::MissingRequiredClaim(_) | ErrorKind::InvalidClaimFormat(_) | ErrorKind::Json(_) => Refused::Claim,
        _ => Refused::Malformed,
    }
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    name: String,
    iat: u64,
    nbf: u64,
    exp: u64,
    jti: String,
    typ: Typ,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    locale: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    plan: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    grants: Option<GrantsClaim>,
}

impl Claims {
    fn into_verified(self, key: &Key) -> Result<Verified, Refused> {
        check_user(&self.sub, &self.name).map_err(|_| Refused::Claim)?;
        if self.jti.is_empty() || self.exp > EXP_MAX {
            return Err(Refused::Claim);
        }
        let grants = match (self.typ, self.grants) {
            (Typ::User, None) => Grants::User,
            (Typ::Room, Some(grants)) => Grants::Room(grants.into()),
            (Typ::User, Some(_)) | (Typ::Room, None) => return Err(Refused::Claim),
        };
        let user = User { id: UserId::new(self.sub), name: self.name };
        let expires_at = UNIX_EPOCH + Duration::from_secs(self.exp);
        let subject = Subject { user, grants, locale: self.locale, plan: self.plan };
        Ok(Verified { subject, expires_at, key: key.id.clone(), jti: self.jti })
    }
}

fn check_user(sub: &str, name: &str) -> Result<(), &'static str> {
    if sub.is_empty() || sub.len() > SUB_BYTES_MAX {
        return Err("a user id has 1 to 128 bytes");
    }
    if name.trim().is_empty() || name.chars().count() > NAME_CHARS_MAX {
        return Err("a name has 1 to 64 characters");
    }
    Ok(())
}

fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Typ {
    User,
    Room,
}

/// A right that isn't named isn't given.
#[derive(Serialize, Deserialize)]
struct GrantsClaim {
    room: String,
    #[serde(default)]
    room_join: bool,
    #[serde(default)]
    can_publish: bool,
    #[serde(default)]
    can_subscribe: bool,
    #[serde(default)]
    can_publish_data: bool,
    #[serde(default)]
    room_admin: bool,
}

impl From<&RoomGrants> for GrantsClaim {
    fn from(grants: &RoomGrants) -> Self {
        Self {
            room: grants.room.as_str().to_owned(),
            room_join: grants.room_join,
            can_publish: grants.can_publish,
            can_subscribe: grants.can_subscribe,
            can_publish_data: grants.can_publish_data,
            room_admin: grants.room_admin,
        }
    }
}

impl From<GrantsClaim> for RoomGrants {
    fn from(claim: GrantsClaim) -> Self {
        Self {
            room: RoomId::new(claim.room),
            room_join: claim.room_join,
            can_publish: claim.can_publish,
            can_subscribe: claim.can_subscribe,
            can_publish_data: claim.can_publish_data,
            room_admin: claim.room_admin,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const SECRET: &str = "secret-secret-secret-secret-32ch";
    const HOUR: Duration = Duration::from_secs(3600);

    fn key() -> Key {
        Key::new("shop", SECRET).unwrap()
    }

    fn keys() -> Keys {
        Keys::new([key(), Key::new("other", "another-secret-another-secret-32").unwrap()])
    }

    fn ana() -> Subject {
        let user = User { id: UserId::new("u1"), name: "Ana".into() };
        Subject { user, grants: Grants::User, locale: Some("ko".into()), plan: None }
    }

    fn now_s() -> u64 {
        unix_seconds(SystemTime::now())
    }

    fn good_claims() -> Value {
        let now = now_s();
        json!({"iss": "shop", "aud": "zzan", "sub": "u1", "name": "Ana", "iat": now, "nbf": now, "exp": now + 600, "jti": "t1", "typ": "user"})
    }

    fn sign(header: &Header, claims: &Value, secret: &str) -> String {
        jsonwebtoken::encode(header, claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
    }

    fn header(algorithm: Algorithm, kid: Option<&str>) -> Header {
        Header { kid: kid.map(str::to_owned), ..Header::new(algorithm) }
    }

    fn verify_claims(claims: &Value) -> Result<Verified, Refused> {
        keys().verify(&sign(&header(Algorithm::HS256, Some("shop")), claims, SECRET))
    }

    fn with(field: &str, value: Value) -> Value {
        let mut claims = good_claims();
        claims[field] = value;
        claims
    }

    #[test]
    fn what_was_minted_is_verified_and_says_the_same() {
        let token = key().mint(&ana(), SystemTime::now(), HOUR).unwrap();
        for token in [token.clone(), format!("Bearer {token}")] {
            let verified = keys().verify(&token).unwrap();
            assert_eq!(verified.subject, ana());
            assert_eq!(verified.key, "shop");
            let left = verified.expires_at.duration_since(SystemTime::now()).unwrap();
            assert!(left <= HOUR && left > HOUR - Duration::from_secs(5));
        }
    }

    #[test]
    fn a_room_token_carries_its_grants_and_no_right_that_it_does_not_name() {
        let grants = RoomGrants {
            room: RoomId::new("room_1"),
            room_join: true,
            can_publish: true,
            can_subscribe: false,
            can_publish_data: true,
            room_admin: false,
        };
        let subject = Subject { grants: Grants::Room(grants), ..ana() };
        let token = key().mint(&subject, SystemTime::now(), HOUR).unwrap();
        assert_eq!(keys().verify(&token).unwrap().subject, subject);

        let mut claims = with("typ", json!("room"));
        claims["grants"] = json!({"room": "r", "room_join": true});
        let Grants::Room(grants) = verify_claims(&claims).unwrap().subject.grants else { panic!("a room token") };
        assert!(grants.room_join && !grants.can_publish && !grants.can_subscribe && !grants.can_publish_data && !grants.room_admin);
    }

    #[test]
    fn a_flipped_bit_anywhere_in_the_signature_is_refused() {
        let token = key().mint(&ana(), SystemTime::now(), HOUR).unwrap();
        let (message, signature) = token.rsplit_once('.').unwrap();
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let sextets: Vec<u8> = signature.bytes().map(|c| ALPHABET.iter().position(|a| *a == c).unwrap() as u8).collect();
        for bit in 0..sextets.len() * 6 {
            let mut forged = sextets.clone();
            forged[bit / 6] ^= 1 << (bit % 6);
            let text: String = forged.iter().map(|s| char::from(ALPHABET[usize::from(*s)])).collect();
            let refused = keys().verify(&format!("{message}.{text}")).unwrap_err();
            assert!(matches!(refused, Refused::Signature | Refused::Malformed), "bit {bit}: {refused}");
        }
    }

    #[test]
    fn a_changed_payload_is_refused() {
        let token = key().mint(&ana(), SystemTime::now(), HOUR).unwrap();
        let other = sign(&header(Algorithm::HS256, Some("shop")), &with("sub", json!("u2")), SECRET);
        let parts = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
        let (a, b) = (parts(&token), parts(&other));
        assert_eq!(keys().verify(&format!("{}.{}.{}", a[0], b[1], a[2])), Err(Refused::Signature));
    }

    #[test]
    fn other_algorithms_than_the_keys_are_refused() {
        for algorithm in [Algorithm::HS384, Algorithm::HS512] {
            let token = sign(&header(algorithm, Some("shop")), &good_claims(), SECRET);
            assert_eq!(keys().verify(&token), Err(Refused::Algorithm));
        }
        // {"alg":"none","typ":"JWT","kid":"shop"}
        for alg in ["eyJhbGciOiJub25lIiwidHlwIjoiSldUIiwia2lkIjoic2hvcCJ9", "eyJhbGciOiJOb05lIiwidHlwIjoiSldUIiwia2lkIjoic2hvcCJ9"] {
            let signed = sign(&header(Algorithm::HS256, Some("shop")), &good_claims(), SECRET);
            let payload = signed.split('.').nth(1).unwrap();
            let signature = signed.split('.').nth(2).unwrap();
            for signature in ["", signature] {
                assert!(keys().verify(&format!("{alg}.{payload}.{signature}")).is_err());
            }
        }
    }

    #[test]
    fn a_wrong_or_missing_key_id_is_refused() {
        for kid in [None, Some("nobody"), Some("")] {
            let token = sign(&header(Algorithm::HS256, kid), &good_claims(), SECRET);
            assert_eq!(keys().verify(&token), Err(Refused::UnknownKey));
        }
        let token = sign(&header(Algorithm::HS256, Some("other")), &good_claims(), SECRET);
        assert_eq!(keys().verify(&token), Err(Refused::Signature));
    }

    #[test]
    fn a_key_signs_for_its_own_issuer_only() {
        let token = sign(&header(Algorithm::HS256, Some("other")), &good_claims(), "another-secret-another-secret-32");
        assert_eq!(keys().verify(&token), Err(Refused::Issuer));
    }

    #[test]
    fn wrong_claims_are_refused_by_name() {
        let now = now_s();
        let cases = [
            (with("aud", json!("zzam")), Refused::Audience),
            (with("aud", json!(["zzan"])), Refused::Claim),
            (with("iss", json!("other")), Refused::Issuer),
            (with("exp", json!(now - 61)), Refused::Expired),
            (with("exp", json!(0)), Refused::Expired),
            (with("nbf", json!(now + 75)), Refused::NotYet),
            (with("exp", json!("soon")), Refused::Claim),
            (with("exp", json!(u64::MAX)), Refused::Claim),
            (with("exp", json!(EXP_MAX + 1)), Refused::Claim),
            (with("typ", json!("admin")), Refused::Claim),
            (with("typ", json!("room")), Refused::Claim),
            (with("grants", json!({"room": "r"})), Refused::Claim),
            (with("jti", json!("")), Refused::Claim),
            (with("sub", json!("")), Refused::Claim),
            (with("sub", json!("x".repeat(129))), Refused::Claim),
            (with("name", json!("x".repeat(65))), Refused::Claim),
            (with("name", json!("  ")), Refused::Claim),
        ];
        for (claims, refused) in cases {
            assert_eq!(verify_claims(&claims), Err(refused), "{claims}");
        }
    }

    #[test]
    fn every_required_claim_is_required() {
        for claim in ["iss", "aud", "sub", "exp", "nbf", "jti", "typ", "name", "iat"] {
            let mut claims = good_claims();
            claims.as_object_mut().unwrap().remove(claim);
            assert_eq!(verify_claims(&claims), Err(Refused::Claim), "{claim}");
        }
    }

    #[test]
    fn clocks_may_differ_by_a_minute() {
        let now = now_s();
        assert!(verify_claims(&with("exp", json!(now - 50))).is_ok());
        assert!(verify_claims(&with("nbf", json!(now + 50))).is_ok());
    }

    #[test]
    fn garbage_is_refused() {
        for garbage in ["", "Bearer ", ".", "..", "...", "a.b.c", "ééé.ééé.ééé", &"a".repeat(100_000)] {
            assert!(keys().verify(garbage).is_err(), "{garbage:.20}");
        }
    }

    #[test]
    fn a_key_shows_no_secret_and_is_long_enough() {
        assert!(!format!("{:?}", keys()).contains("secret-"));
        assert_eq!(Key::new("k", "short").unwrap_err(), WeakKey);
        assert_eq!(Key::new("", SECRET).unwrap_err(), WeakKey);
    }

    #[test]
    fn a_token_that_would_be_refused_is_not_minted() {
        let mut subject = ana();
        subject.user.name = "x".repeat(65);
        assert!(matches!(key().mint(&subject, SystemTime::now(), HOUR), Err(MintError::Subject(_))));
    }
}
