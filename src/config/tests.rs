//! What a person reads after a mistake, and which source wins.

use super::*;
use crate::store::dynamodb::{ContainerToken, Credentials, Role, Settings};

fn load(file: &str, env: &[(&str, &str)], flags: &[(&'static str, &'static str, &str)]) -> Result<(Config, Vec<Effective>), String> {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("zzan.toml");
    std::fs::write(&path, file).expect("written");
    std::fs::write(dir.path().join("shop.secret"), "from-a-file-from-a-file-from-a-file\n").expect("written");
    let result = Config::load(Sources {
        file: Some(path),
        env: env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        flags: flags.iter().map(|(key, flag, value)| (*key, *flag, (*value).to_owned())).collect(),
    });
    result.map_err(|problems| problems.to_string().replace(&format!("{}/", dir.path().display()), ""))
}

#[test]
fn a_flag_beats_the_environment_which_beats_the_file_which_beats_the_default() {
    let file = "dev = true\nlisten = \"127.0.0.1:1\"\n[media]\nworkers = 2\nfirst_port = 5000\n";
    let (config, effective) = load(
        file,
        &[("ZZAN_LISTEN", "127.0.0.1:2"), ("ZZAN_MEDIA_WORKERS", "3"), ("PATH", "/bin")],
        &[("listen", "--listen", "127.0.0.1:3")],
    )
    .expect("fits");
    assert_eq!(config.listen.port(), 3);
    assert_eq!(config.media.workers, 3);
    assert_eq!(config.media.first_port, 5000);
    assert_eq!(config.ping_interval, Duration::from_secs(5));
    let origin = |key: &str| effective.iter().find(|effective| effective.key == key).expect("there").origin.to_string();
    assert_eq!(origin("listen"), "flag --listen");
    assert_eq!(origin("media.workers"), "environment ZZAN_MEDIA_WORKERS");
    assert!(origin("media.first_port").ends_with("zzan.toml:5"), "{}", origin("media.first_port"));
    assert_eq!(origin("ping_interval_ms"), "default");
}

/// A file, the environment, and parts of what is told about them.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [&'a str]);

#[test]
fn every_mistake_names_key_value_origin_and_what_is_allowed() {
    let cases: &[Case<'_>] = &[
        ("listen = \"localhost\"", &[], &["listen = \"localhost\" (zzan.toml:1): allowed is an address with a port"]),
        ("\n\nlisten = 8080", &[], &["listen = 8080 (zzan.toml:3): allowed is an address with a port"]),
        ("[media]\nworkers = \"many\"", &[], &["media.workers = \"many\" (zzan.toml:2): allowed is a whole number from 1 to 64"]),
        ("media.workers = 0", &[], &["media.workers = 0 (zzan.toml:1): allowed is a whole number from 1 to 64"]),
        ("", &[("ZZAN_MEDIA_WORKERS", "-1")], &["media.workers = \"-1\" (environment ZZAN_MEDIA_WORKERS): allowed is a whole number"]),
        ("guests = \"no\"", &[], &["guests = \"no\" (zzan.toml:1): allowed is true or false"]),
        ("store = \"dynamo\"", &[], &["store = \"dynamo\" (zzan.toml:1): allowed is \"sqlite\" (kept in data_dir), \"dynamodb\""]),
        (
            "store = \"dynamodb\"",
            &[("AWS_EC2_METADATA_DISABLED", "true")],
            &["dynamodb.access_key_id (default): store = \"dynamodb\" needs an access key", "AWS_ACCESS_KEY_ID"],
        ),
        (
            "store = \"dynamodb\"\ndynamodb.access_key_id = \"a\"",
            &[("AWS_SECRET_ACCESS_KEY", "b")],
            &["dynamodb.secret_access_key (default): store = \"dynamodb\" needs an access key"],
        ),
        ("dynamodb.region = \"Seoul\"", &[], &["dynamodb.region = \"Seoul\" (zzan.toml:1): allowed is the name of a region, as"]),
        ("dynamodb.endpoint = \"127.0.0.1:8000\"", &[], &["dynamodb.endpoint = \"127.0.0.1:8000\" (zzan.toml:1): allowed is a URL of"]),
        ("dynamodb.table_prefix = \"a b\"", &[], &["dynamodb.table_prefix = \"a b\" (zzan.toml:1): allowed is 1 to 200 letters"]),
        ("dynamodb.strict = \"no\"", &[], &["dynamodb.strict = \"no\" (zzan.toml:1): allowed is true or false"]),
        ("dynamodb.create_table = true", &[], &["dynamodb.create_table (zzan.toml:1)", "did you mean dynamodb.create_tables?"]),
        (
            "dynamodb = { secret_access_key = \"s\", secret_access_key_file = \"shop.secret\" }",
            &[],
            &["dynamodb.secret_access_key (zzan.toml:1): dynamodb.secret_access_key is there too: give one of them"],
        ),
        ("lisen = \"127.0.0.1:1\"", &[], &["lisen (zzan.toml:1): there is no such key; did you mean listen?"]),
        ("[media]\nworker = 1", &[], &["media.worker (zzan.toml:2): there is no such key; did you mean media.workers?"]),
        ("", &[("ZZAN_LISTN", "x")], &["ZZAN_LISTN (environment ZZAN_LISTN): there is no such key; did you mean ZZAN_LISTEN?"]),
        ("workers = 1", &[], &["workers (zzan.toml:1): there is no such key; did you mean media.workers?"]),
        ("[entirely]\nelse = 1", &[], &["entirely.else (zzan.toml:2): there is no such key\n"]),
        ("origins = [\"https://shop.example.com/page\"]", &[], &["origins", "each of scheme, host and port only"]),
        ("origins = [\"*\"]", &[], &["origins = [\"*\"] (zzan.toml:1)"]),
        (
            "public_url = \"https://example.com/zzan\"",
            &[],
            &["public_url = \"https://example.com/zzan\" (zzan.toml:1): allowed is a URL of scheme"],
        ),
        ("media.addresses = [\"0.0.0.0\"]", &[], &["media.addresses = [\"0.0.0.0\"] (zzan.toml:1)"]),
        ("media = { first_port = 65535, workers = 2 }", &[], &["media.first_port = 65535", "leaves room for the 2 of media.workers"]),
        ("media.tcp_port = \"on\"", &[], &["media.tcp_port = \"on\" (zzan.toml:1): allowed is a whole number from 0 to 65535, or \"off\""]),
        ("media.tcp_port = 65536", &[], &["media.tcp_port = 65536 (zzan.toml:1)"]),
        ("media.tcp_port = 8080", &[], &["media.tcp_port = 8080", "listen has this port already"]),
        (
            "turn.urls = [\"turn.example.com\"]",
            &[],
            &["turn.urls = [\"turn.example.com\"] (zzan.toml:1): allowed is a list of turn: or turns:"],
        ),
        ("turn.urls = [\"turn:turn.example.com\"]", &[], &["turn.secret (default): turn.urls need the secret"]),
        ("turn.secret = \"s\"", &[], &["turn.urls (zzan.toml:1): a secret needs a list of turn:"]),
        ("turn = { secret = \"s\", secret_file = \"shop.secret\" }", &[], &["turn.secret (zzan.toml:1): turn.secret_file is there too"]),
        ("turn.secret_file = \"gone\"", &[], &["turn.secret (zzan.toml:1): secret_file gone can't be read"]),
        ("turn.ttl_s = 5", &[], &["turn.ttl_s = 5 (zzan.toml:1): allowed is a whole number from 60 to 604800"]),
        (
            "[uploads]\nendpoint = \"https://s3.example\"\nbucket = \"photos\"",
            &[],
            &["uploads.access_key_id (default): uploads need endpoint, bucket,", "uploads.secret_access_key (default): uploads need"],
        ),
        ("uploads.bucket = \"My Photos\"", &[], &["uploads.bucket = \"My Photos\" (zzan.toml:1): allowed is a bucket's name"]),
        ("uploads.secret_access_key_file = \"gone\"", &[], &["uploads.secret_access_key (zzan.toml:1): secret_file gone can't be read"]),
        ("smtp.host = \"mail.example.com\"", &[], &["smtp.from (default): smtp.host needs the address that mails come from"]),
        ("smtp.from = \"zzan\"", &[], &["smtp.from = \"zzan\" (zzan.toml:1): allowed is an address"]),
        ("smtp.from = \"zzan@example.com\"", &[], &["smtp.host (default): the other settings of smtp need a mail server"]),
        ("smtp.tls = \"ssl\"", &[], &["smtp.tls = \"ssl\" (zzan.toml:1): allowed is \"starttls\", \"tls\" or \"none\""]),
        (
            "smtp = { host = \"mail.example.com\", from = \"z@example.com\", username = \"z\" }",
            &[],
            &["smtp.password (default): smtp.username needs a password"],
        ),
        (
            "smtp = { host = \"mail.example.com\", from = \"z@example.com\", username = \"z\", password = \"hidden\", tls = \"none\" }",
            &[],
            &["smtp.tls (default): \"none\" would send the password in the clear"],
        ),
        ("smtp = { password = \"hidden\", password_file = \"shop.secret\" }", &[], &["smtp.password_file is there too"]),
        ("chat.plans = { free = 0 }", &[], &["chat.plans.free = 0 (zzan.toml:1): allowed are whole numbers from 1 to 10000 by name"]),
        ("[chat.plans]\nfree = 150\npro = \"all\"", &[], &["chat.plans.pro = \"all\" (zzan.toml:3): allowed are whole numbers"]),
        ("chat.plans = 150", &[], &["chat.plans = 150 (zzan.toml:1): allowed are whole numbers from 1 to 10000 by name"]),
        ("", &[("ZZAN_CHAT_PLANS", "free")], &["chat.plans = \"free\" (environment ZZAN_CHAT_PLANS): allowed are whole numbers"]),
        ("chat.text_max_chars = 1.5", &[], &["chat.text_max_chars = 1.5 (zzan.toml:1)"]),
        ("listen = \n", &[], &["zzan.toml:1: TOML: "]),
        (
            "keys = [{ id = \"shop\", secret = \"short\" }]",
            &[],
            &["keys (zzan.toml:1): the secret of \"shop\" has 5 bytes: allowed are at least 32"],
        ),
        ("keys = [{ id = \"a b\", secret_file = \"shop.secret\" }]", &[], &["keys (zzan.toml:1): \"a b\" is no id"]),
        ("keys = [{ id = \"shop\" }]", &[], &["\"shop\" has neither secret nor secret_file"]),
        ("keys = [{ id = \"shop\", secret_file = \"gone\" }]", &[], &["secret_file gone can't be read"]),
        ("keys = [{ id = \"shop\", secrt = \"x\" }]", &[], &["there is no such key as secrt"]),
        ("", &[("ZZAN_KEYS", "shop")], &["keys (environment ZZAN_KEYS): allowed is <id>:<secret>"]),
    ];
    for (file, env, expected) in cases {
        let error = load(&format!("{file}\n"), &[&[("ZZAN_DEV", "true")], *env].concat(), &[]).map(|_| ()).expect_err(file);
        for part in *expected {
            assert!(format!("{error}\n").contains(part), "{file:?} {env:?} is told {error:?}, without {part:?}");
        }
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let error = load("dev = 1\nguests = 2\nlog.format = 3\n", &[], &[]).map(|_| ()).expect_err("wrong");
    for part in ["dev = 1", "guests = 2", "log.format = 3", "keys (default)"] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn without_dev_mode_and_without_a_key_the_error_says_how_to_make_one() {
    for (file, env, origin) in [
        ("", &[][..], "keys (default)"),
        ("keys = []\n", &[], "keys (zzan.toml:1)"),
        ("", &[("ZZAN_KEYS", " ")], "keys (environment ZZAN_KEYS)"),
    ] {
        let error = load(file, env, &[]).map(|_| ()).expect_err("no key");
        for part in [origin, "openssl rand -hex 32", "[[keys]]", "--dev"] {
            assert!(error.contains(part), "{error}");
        }
    }
    let (config, _) = load("[[keys]]\nid = \"shop\"\nsecret_file = \"shop.secret\"\n", &[], &[]).expect("fits");
    assert_eq!(config.keys.len(), 1);
    assert_eq!(config.keys[0].secret.expose(), "from-a-file-from-a-file-from-a-file");
}

#[test]
fn dev_mode_adds_its_key_to_those_given() {
    let (config, _) = load("dev = true", &[("ZZAN_KEYS", "shop:0123456789abcdef0123456789abcdef")], &[]).expect("fits");
    assert_eq!(config.keys.iter().map(|key| key.id.as_str()).collect::<Vec<_>>(), ["shop", "devkey"]);
}

#[test]
fn the_tcp_port_is_that_of_the_first_worker_unless_another_or_none_is_wanted() {
    let port = |file: &str, env: &[(&str, &str)]| load(&format!("dev = true\n{file}\n"), env, &[]).expect("fits").0.media.tcp_port;
    assert_eq!(port("", &[]), Some(0));
    assert_eq!(port("media.first_port = 5000", &[]), Some(5000));
    assert_eq!(port("media = { first_port = 5000, tcp_port = 443 }", &[]), Some(443));
    assert_eq!(port("media.tcp_port = \"off\"", &[]), None);
    assert_eq!(port("media.tcp_port = 443", &[("ZZAN_MEDIA_TCP_PORT", "444")]), Some(444));
    assert_eq!(port("media.tcp_port = 443", &[("ZZAN_MEDIA_TCP_PORT", "off")]), None);
}

#[test]
fn a_turn_server_is_known_by_its_addresses_and_a_secret_that_is_never_shown() {
    let urls = "dev = true\n[turn]\nurls = [\"turn:turn.example.com:3478?transport=udp\"]\n";
    for (file, env, secret) in [
        (format!("{urls}secret = \"in-the-file\"\n"), &[][..], "in-the-file"),
        (format!("{urls}secret_file = \"shop.secret\"\nttl_s = 60\n"), &[], "from-a-file-from-a-file-from-a-file"),
        (urls.to_owned(), &[("ZZAN_TURN_SECRET", "from-the-environment")], "from-the-environment"),
    ] {
        let (config, effective) = load(&file, env, &[]).expect("fits");
        let shown = format!("{config:?} {effective:?}");
        let turn = config.turn.expect("a TURN server");
        assert_eq!(turn.secret.expose(), secret);
        assert_eq!(turn.urls, ["turn:turn.example.com:3478?transport=udp"]);
        assert!(!shown.contains(secret), "{shown}");
    }
    assert_eq!(load("dev = true", &[], &[]).expect("fits").0.turn, None);
}

#[test]
fn dynamodb_is_used_with_the_key_of_the_configuration_or_else_with_that_of_the_environment() {
    let settings = |file: &str, env: &[(&str, &str)]| {
        let (config, effective) = load(&format!("dev = true\nstore = \"dynamodb\"\n{file}"), env, &[]).expect("fits");
        let shown = format!("{config:?} {effective:?}");
        let store::Kind::DynamoDb(settings) = config.store else { panic!("{:?} is used", config.store) };
        let Credentials::Key(key) = settings.credentials.clone() else { panic!("a key is there") };
        assert!(!shown.contains(key.secret_access_key.expose()), "{shown}");
        assert!(key.session_token.as_ref().is_none_or(|token| !shown.contains(token.expose())), "{shown}");
        (settings, key)
    };
    let aws = [
        ("AWS_ACCESS_KEY_ID", "aws-id"),
        ("AWS_SECRET_ACCESS_KEY", "aws-secret"),
        ("AWS_SESSION_TOKEN", "aws-token"),
        ("AWS_REGION", "ap-northeast-2"),
    ];
    let (from_aws, key) = settings("", &aws);
    assert_eq!((from_aws.region.as_str(), from_aws.table_prefix.as_str()), ("ap-northeast-2", "zzan"));
    assert!(from_aws.strict && !from_aws.create_tables && from_aws.endpoint.is_none());
    assert_eq!(key.secret_access_key.expose(), "aws-secret");
    assert_eq!(key.session_token.as_ref().map(Secret::expose), Some("aws-token"));

    let file = "[dynamodb]\nendpoint = \"http://127.0.0.1:8000\"\nregion = \"eu-west-1\"\ntable_prefix = \"shop\"\nstrict = false\n\
        create_tables = true\naccess_key_id = \"id\"\nsecret_access_key_file = \"shop.secret\"\n";
    let (given, key) = settings(file, &aws);
    assert_eq!((given.region.as_str(), given.endpoint.as_deref()), ("eu-west-1", Some("http://127.0.0.1:8000")));
    assert_eq!((key.access_key_id.as_str(), given.strict, given.create_tables), ("id", false, true));
    assert_eq!(key.secret_access_key.expose(), "from-a-file-from-a-file-from-a-file");
    assert_eq!(key.session_token, None, "a token of another key is none of this one");
    let env = [("ZZAN_DYNAMODB_ACCESS_KEY_ID", "id"), ("ZZAN_DYNAMODB_SECRET_ACCESS_KEY", "in-the-environment")];
    assert_eq!(settings("", &env).1.secret_access_key.expose(), "in-the-environment");
}

#[test]
fn without_a_key_dynamodb_is_used_in_the_role_of_the_container_or_else_of_the_machine() {
    let role = |env: &[(&str, &str)]| {
        let (config, effective) = load("dev = true\nstore = \"dynamodb\"\n", env, &[]).expect("fits");
        let shown = format!("{config:?} {effective:?}");
        assert!(!shown.contains("a-token"), "{shown}");
        match config.store {
            store::Kind::DynamoDb(Settings { credentials: Credentials::Role(role), .. }) => role,
            other => panic!("{other:?} is used"),
        }
    };
    assert_eq!(role(&[]), Role::Machine { endpoint: "http://169.254.169.254".into() });
    let endpoint = ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1");
    assert_eq!(role(&[endpoint]), Role::Machine { endpoint: "http://127.0.0.1:1".into() });
    let of_task = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/a");
    assert_eq!(role(&[endpoint, of_task]), Role::Container { url: "http://169.254.170.2/v2/credentials/a".into(), token: None });
    let of_pod = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials");
    let (given, in_file) = (("AWS_CONTAINER_AUTHORIZATION_TOKEN", "a-token"), ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/run/token"));
    let url = of_pod.1.to_owned();
    let token = Some(ContainerToken::Given("a-token".to_owned().into()));
    assert_eq!(role(&[of_pod, given]), Role::Container { url: url.clone(), token });
    let token = Some(ContainerToken::InFile("/run/token".into()));
    assert_eq!(role(&[of_pod, given, in_file]), Role::Container { url, token });
}

#[test]
fn no_secret_is_printed() {
    let secret = "0123456789abcdef0123456789abcdef";
    let (config, effective) = load(&format!("keys = [{{ id = \"shop\", secret = \"{secret}\" }}]"), &[], &[]).expect("fits");
    assert!(!format!("{config:?} {effective:?}").contains(secret));
    let error = load(&format!("key = [{{ id = \"shop\", secret = \"{secret}\" }}]"), &[("ZZAN_KEY", secret)], &[]).map(|_| ());
    assert!(!error.expect_err("misspelt").contains(secret));
}

#[test]
fn variables_of_other_programs_are_no_mistake() {
    let env = [
        ("ZZAN_DEV", "true"),
        ("ZZAN_PORT", "tcp://10.0.0.1:80"),
        ("ZZAN_PORT_80_TCP_ADDR", "10.0.0.1"),
        ("ZZAN_SERVICE_HOST", "10.0.0.1"),
        ("ZZAN_BIN", "x"),
    ];
    load("", &env, &[]).expect("fits");
}

#[test]
fn an_origin_is_written_as_browsers_write_it() {
    for (given, expected) in [
        ("https://Shop.Example.com", Some("https://shop.example.com")),
        ("https://shop.example.com/", Some("https://shop.example.com")),
        ("https://shop.example.com:443", Some("https://shop.example.com")),
        ("http://localhost:5173", Some("http://localhost:5173")),
        ("http://[::1]:8080", Some("http://[::1]:8080")),
        ("shop.example.com", None),
        ("https://user@shop.example.com", None),
        ("https://shop.example.com?x", None),
        ("https://shop.example.com:99999", None),
        ("ftp://shop.example.com", None),
        ("null", None),
    ] {
        assert_eq!(origin(given).as_deref(), expected, "{given}");
    }
}

#[test]
fn plans_have_limits_of_their_own_in_a_table_or_in_the_environment() {
    let plans = |config: &Config| config.rooms.plan_text_max_chars.clone().into_iter().collect::<Vec<_>>();
    let expected = |plans: &[(&str, usize)]| plans.iter().map(|(plan, chars)| ((*plan).to_owned(), *chars)).collect::<Vec<_>>();
    let file = "dev = true\n[chat]\ntext_max_chars = 2000\nplans = { free = 150, \"pro plus\" = 10_000 }\n";
    let (config, effective) = load(file, &[], &[]).expect("fits");
    assert_eq!(plans(&config), expected(&[("free", 150), ("pro plus", 10_000)]));
    let shown = effective.iter().find(|effective| effective.key == "chat.plans").expect("there");
    assert_eq!(shown.value, "{ \"free\" = 150, \"pro plus\" = 10000 }");
    let (config, _) = load(file, &[("ZZAN_CHAT_PLANS", "free=80, team = 9000")], &[]).expect("fits");
    assert_eq!(plans(&config), expected(&[("free", 80), ("team", 9_000)]), "the environment replaces the table");
    assert_eq!(plans(&load("dev = true", &[], &[]).expect("fits").0), []);
}

#[test]
fn a_bucket_is_read_with_its_secret_from_a_file_and_shows_none() {
    let file = "dev = true\n[uploads]\nendpoint = \"http://127.0.0.1:9000\"\nbucket = \"photos\"\naccess_key_id = \"AKID\"\n\
        secret_access_key_file = \"shop.secret\"\n";
    let (config, effective) = load(file, &[], &[]).expect("fits");
    let uploads = config.uploads.expect("there");
    assert_eq!(uploads.secret_access_key.expose(), "from-a-file-from-a-file-from-a-file");
    assert_eq!((uploads.public_url.as_str(), uploads.region.as_str()), ("http://127.0.0.1:9000/photos", "us-east-1"));
    assert!(!format!("{uploads:?} {effective:?}").contains("from-a-file"));
    let (config, effective) = load("dev = true", &[("ZZAN_UPLOADS_TTL_S", "60")], &[]).expect("fits");
    assert!(config.uploads.is_none() && effective.iter().any(|effective| effective.key == "uploads.ttl_s" && effective.value == "60"));
}
