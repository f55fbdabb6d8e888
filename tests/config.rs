//! Configuration files that must be taken, and files that must be refused with the message beside them.
//! `UPDATE=1 cargo test --test config` writes the messages; read them before you commit.
#![expect(clippy::unwrap_used, reason = "what reads the fixtures is test code too")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use holdshort::{
    cli,
    config::{self, Failure, Known, Layers, Loaded, Places, Trust, load},
};

fn names(all: &[&str]) -> Vec<String> {
    all.iter().map(|name| (*name).to_owned()).collect()
}

fn read(file: &Path, profile: Option<&str>) -> Result<Loaded, Failure> {
    let places = Places { system: PathBuf::from("/nowhere"), user: None };
    let profile = profile.map(str::to_owned);
    let layers = Layers {
        places,
        files: vec![file.to_owned()],
        profile,
        env: BTreeMap::new(),
        trust: Trust::Everybody,
        given: BTreeMap::new(),
    };
    let (presets, themes) = (names(&["istio", "linkerd", "otel-http"]), names(&["colour-blind", "dark", "light"]));
    load(&layers, &Known { presets: &presets, themes: &themes, keys: &cli::keys::check, look: None })
}

/// The `.toml` files of a folder, sorted.
fn files(folder: &str) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    all.sort();
    assert!(!all.is_empty(), "{folder} is empty");
    all
}

#[test]
fn every_valid_file_and_every_example_is_taken() {
    for file in files("tests/config/valid").into_iter().chain(files("examples/config")) {
        if let Err(failure) = read(&file, None) {
            panic!("{}:\n{failure}", file.display());
        }
    }
}

#[test]
fn every_invalid_file_is_refused_with_the_message_beside_it() {
    for file in files("tests/config/invalid") {
        let Err(failure) = read(&file, None) else { panic!("{} was taken", file.display()) };
        let said = format!("{failure}\n");
        let beside = file.with_extension("expected");
        if std::env::vars().any(|(name, _)| name == "UPDATE") {
            fs::write(&beside, &said).unwrap();
        }
        let expected = fs::read_to_string(&beside).unwrap_or_default();
        assert_eq!(said, expected, "{}", file.display());
    }
}

#[test]
fn a_profile_is_laid_over_the_files_and_an_unknown_one_lists_those_there_are() {
    let file = Path::new("tests/config/valid/overlay.toml");
    let night = read(file, Some("night")).unwrap().config;
    assert!(night.read_only);
    let Some(config::Connection::Kubernetes(eu)) = night.connections.get("eu") else { panic!("no eu") };
    assert_eq!((eu.namespaces.clone(), eu.environment.as_str()), (names(&["shop", "checkout"]), "prod"));
    let unknown = read(file, Some("nihgt")).unwrap_err();
    assert_eq!(unknown.to_string(), "error: there is no profile 'nihgt'; there are: night");
}

#[test]
fn what_is_shown_says_where_secrets_come_from_and_reads_back_as_the_same_configuration() {
    for file in ["token_sources", "access"] {
        let loaded = read(&Path::new("tests/config/valid").join(file).with_extension("toml"), None).unwrap();
        let shown = config::show::show(&loaded).unwrap();
        assert!(shown.contains("command = [\"vault\", \"…\"]"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
        let folder = tempfile::tempdir().unwrap();
        let again = folder.path().join("shown.toml");
        fs::write(&again, &shown).unwrap();
        let again = config::show::show(&read(&again, None).unwrap()).unwrap();
        assert_eq!(again.split_once("\n\n").unwrap().1, shown.split_once("\n\n").unwrap().1);
    }
}

#[test]
fn a_later_file_wins_and_the_environment_wins_over_all() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let layers = Layers {
        places: Places {
            system: file("system.toml", "theme = 'dark'\noperator = 'system'"),
            user: Some(file("user.toml", "operator = 'user'")),
        },
        files: vec![file("a.toml", "theme = 'light'"), file("b.toml", "state.path = '/b'")],
        profile: None,
        env: BTreeMap::from([("HOLDSHORT_READ_ONLY".to_owned(), "true".to_owned())]),
        trust: Trust::Owners,
        given: BTreeMap::new(),
    };
    let themes = names(&["dark", "light"]);
    let known = Known { presets: &[], themes: &themes, keys: &cli::keys::check, look: None };
    let config = load(&layers, &known).unwrap().config;
    assert_eq!((config.theme.as_deref(), config.operator.as_deref()), (Some("light"), Some("user")));
    assert_eq!((config.read_only, config.state.path), (true, Some(PathBuf::from("/b"))));

    let env = BTreeMap::from([("HOLDSHORT_READ_ONLY".to_owned(), "maybe".to_owned())]);
    let wrong = load(&Layers { env, ..layers }, &known).unwrap_err().to_string();
    assert!(wrong.contains("--> environment variable HOLDSHORT_READ_ONLY:1:13"), "{wrong}");
}

#[test]
fn a_profile_wins_over_the_files_and_the_environment_over_the_profile_and_errors_point_at_who_won() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    // The profile stands above what it is laid over, and names a table that a file has too.
    let text = |profile: &str, base: &str| format!("[profiles.night]\n{profile}\n[state]\n[world]\n{base}\n");
    let load = |profile: &str, base: &str, env: &[(&str, &str)]| {
        fs::write(&path, text(profile, base)).unwrap();
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let places = Places { system: "/nowhere".into(), user: None };
        let layers = Layers {
            places,
            files: vec![path.clone()],
            profile: Some("night".to_owned()),
            env,
            trust: Trust::Owners,
            given: BTreeMap::new(),
        };
        load(&layers, &Known { presets: &[], themes: &[], keys: &cli::keys::check, look: None })
    };
    let (profile, base) =
        ("operator = 'profile'\nworld.clock = 'http://profile'", "clock = 'http://file'\nspeed = 2.5");
    let taken = |env: &[(&str, &str)]| {
        let config = load(profile, base, env).unwrap().config;
        (config.operator.unwrap(), config.world.map(|world| (world.clock, world.speed)).unwrap())
    };
    assert_eq!(taken(&[]), ("profile".to_owned(), ("http://profile".to_owned(), 2.5)));
    let env = [("HOLDSHORT_OPERATOR", "env"), ("HOLDSHORT_WORLD__CLOCK", "http://env")];
    assert_eq!(taken(&env), ("env".to_owned(), ("http://env".to_owned(), 2.5)));

    let refused = |profile: &str, base: &str, env: &[(&str, &str)]| {
        load(profile, base, env).unwrap_err().to_string().replace(&path.display().to_string(), "FILE")
    };
    assert_eq!(
        refused("world.speed = 'fast'", base, &[]),
        "error: world.speed must be a number, not the text \"fast\": write speed = 1.5\n --> FILE:2:15\n  |\n2 | world.speed = 'fast'\n  |               ^^^^^^"
    );
    assert_eq!(
        refused(profile, base, &[("HOLDSHORT_WORLD__CLOCK", "ftp://env")]),
        "error: an address begins with https:// or http://, not with ftp:\n \
         --> environment variable HOLDSHORT_WORLD__CLOCK:1:15\n  |\n1 | world.clock = \"ftp://env\"\n  |               ^^^^^^^^^^^"
    );
    // A key that is wrong itself, and a table that lacks one: where the file has it, not the profile that adds to it.
    assert_eq!(
        refused("world.sped = 1", base, &[]),
        "error: unknown key `sped`, did you mean `speed`?\n --> FILE:2:7\n  |\n2 | world.sped = …\n  |       ^^^^"
    );
    assert_eq!(refused(profile, "", &[]), "error: world needs `speed`\n --> FILE:5:1\n  |\n5 | [world]\n  | ^^^^^^^");
}

#[test]
fn no_layer_at_all_is_said_as_that() {
    let places = Places { system: "/nowhere/s".into(), user: Some("/nowhere/u".into()) };
    let layers = Layers {
        places,
        files: Vec::new(),
        profile: None,
        env: BTreeMap::new(),
        trust: Trust::Owners,
        given: BTreeMap::new(),
    };
    let known = Known { presets: &[], themes: &[], keys: &cli::keys::check, look: None };
    let failure = load(&layers, &known).unwrap_err();
    assert_eq!(failure, Failure::Nothing(vec!["/nowhere/s".into(), "/nowhere/u".into()]));
}

/// The settings of a kind, as the error on one that it does not have lists them.
fn settings_of(kind: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("strange.toml");
    fs::write(&file, format!("[connections.a]\nkind = '{kind}'\nqqqqqqqq = 1\n")).unwrap();
    let said = read(&file, None).unwrap_err().to_string();
    let keys = said.split("unknown key `qqqqqqqq`; there are: ").nth(1).unwrap();
    keys.lines().next().unwrap().split(", ").map(str::to_owned).collect()
}

#[test]
fn the_whole_example_shows_every_setting_of_every_kind_of_connection() {
    let example = fs::read_to_string("examples/config/full.toml").unwrap();
    let shows = |key: &str| {
        let mut lines = example.lines().map(|line| line.trim_start_matches(['#', ' ']));
        lines.any(|line| {
            let table =
                line.strip_prefix('[').is_some_and(|line| line.trim_end_matches(']').ends_with(&format!(".{key}")));
            table || line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='))
        })
    };
    let mut kinds = Vec::new();
    for text in example.lines().filter_map(|line| line.strip_prefix("kind = \"")) {
        kinds.push(text.trim_end_matches('"'));
    }
    let written = fs::read_to_string("tests/config/invalid/unknown_kind.expected").unwrap();
    let all = written.split("no `kind`: ").nth(1).unwrap().lines().next().unwrap();
    for kind in all.split(", ") {
        assert!(kinds.contains(&kind), "{kind}");
        let missing: Vec<String> = settings_of(kind).into_iter().filter(|key| !shows(key)).collect();
        assert_eq!(missing, [] as [&str; 0], "{kind}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]

    /// Whatever is typed into a file: it is taken, or refused with errors.
    #[test]
    fn a_damaged_file_is_refused_and_never_breaks_the_reader(
        at in 0_usize..4000, cut in 0_usize..60, typed in "(\\PC|[\\[\\]{}='\"\n]){0,12}"
    ) {
        let mut text: Vec<char> = fs::read_to_string("examples/config/full.toml").unwrap().chars().collect();
        let at = at.min(text.len());
        let end = (at + cut).min(text.len());
        text.splice(at..end, typed.chars());
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("damaged.toml");
        fs::write(&file, text.into_iter().collect::<String>()).unwrap();
        if let Err(failure) = read(&file, None) {
            proptest::prop_assert!(failure.to_string().starts_with("error: "), "{failure}");
        }
    }
}

#[test]
fn what_services_are_held_to_is_shown_and_reads_back_as_it_was() {
    let loaded = read(Path::new("examples/config/full.toml"), None).unwrap();
    let standards = loaded.config.standards().unwrap();
    assert_eq!(standards[&"payments".into()].rules.len(), 3);
    let folder = tempfile::tempdir().unwrap();
    let again = folder.path().join("shown.toml");
    fs::write(&again, config::show::show(&loaded).unwrap()).unwrap();
    assert_eq!(read(&again, None).unwrap().config.standards(), Ok(standards));
}

/// A configuration of a machine's file, a user's file with a profile, and variables; the files as `SYSTEM` and `USER`.
fn layered(system: &str, user: &str, profile: Option<&str>, env: &[(&str, &str)]) -> Result<config::Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let layers = Layers {
        places: Places { system: file("SYSTEM", system), user: Some(file("USER", user)) },
        files: Vec::new(),
        profile: profile.map(str::to_owned),
        env: env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        trust: Trust::Owners,
        given: BTreeMap::new(),
    };
    let known = Known { presets: &[], themes: &[], keys: &cli::keys::check, look: None };
    let folder = format!("{}/", folder.path().display());
    load(&layers, &known).map(|loaded| loaded.config).map_err(|failure| failure.to_string().replace(&folder, ""))
}

/// System, user, profile, environment, and what is said where it is refused.
type Case<'a> = (&'a str, &'a str, Option<&'a str>, &'a [(&'a str, &'a str)], &'a str);

#[test]
fn a_later_layer_tightens_what_holds_back_and_never_loosens_it() {
    let eu = "[connections.eu]\nkind = 'kubernetes'\nenvironment = 'prod/eu'\n";
    let hub = "[connections.hub]\nkind = 'github'\nrepos = [{ name = 'acme/pay', environments = { production = 'prod/eu' } }]\n";
    let high = format!("[environments.prod]\nrisk = 'high'\n[environments.dev]\nrisk = 'low'\n{eu}{hub}");
    let all_of_acme = "[environments.prod]\nrisk = 'high'\n[environments.dev]\nrisk = 'low'\n[connections.hub]\n\
                       kind = 'github'\n# all\nrepos = [{ name = 'acme/*', environments = { production = 'prod/eu' } }]\n";
    let rule = "{ signal = 'error_ratio', max = 0.01 }";
    let held = format!(
        "[services.pay]\nslo = {{ objective = 0.99, period = '30d', latency = {{ le = 0.5, objective = 0.9 }} }}\nrules = [{rule}]\n"
    );
    let read_only = "read_only = true\n".to_owned();
    let table: &[Case<'_>] = &[
        (
            &read_only,
            "",
            None,
            &[("HOLDSHORT_READ_ONLY", "false")],
            "`read_only` is true in SYSTEM:1:13; a later layer may tighten that, never loosen it to false",
        ),
        (&read_only, "read_only = false", None, &[], " --> USER:1:13"),
        ("policy.most_targets = 3", "policy.most_targets = 4", None, &[], "`policy.most_targets` is 3 in SYSTEM:1:23"),
        ("policy.most_targets = 3", "policy.most_targets = 2", None, &[], ""),
        (
            "[[policy.waves]]\norder = [['a'], ['b']]\n",
            "[[policy.waves]]\norder = [['b'], ['a']]\n",
            None,
            &[],
            "number 1 of `policy.waves`, {order=[[\"a\"],[\"b\"]]}, is in force in SYSTEM:1:1; a later layer may tighten that",
        ),
        (
            "[[policy.waves]]\norder = [['a'], ['b']]\n",
            "[[policy.waves]]\norder = [['a'], ['b']]\n[[policy.waves]]\nservices = ['x']\norder = [['b'], ['a']]\n",
            None,
            &[],
            "",
        ),
        // Nobody held it back before.
        ("", "policy.most_targets = 9", None, &[], ""),
        (&read_only, "[profiles.day]\nread_only = false", Some("day"), &[], " --> USER:2:13"),
        // One that is not in use is needed some other night.
        (&read_only, "[profiles.day]\nread_only = false", None, &[], " --> USER:2:13"),
        (
            "",
            "read_only = true\n[profiles.day]\nread_only = false",
            Some("day"),
            &[("HOLDSHORT_READ_ONLY", "false")],
            "",
        ),
        ("", "read_only = true\n[profiles.day]\nread_only = false", Some("day"), &[], ""),
        ("read_only = false", "read_only = true", None, &[("HOLDSHORT_READ_ONLY", "true")], ""),
        (
            &high,
            "",
            None,
            &[("HOLDSHORT_ENVIRONMENTS__PROD__RISK", "low")],
            "'prod' is high in SYSTEM:2:8; a later layer may tighten that, never loosen it to low",
        ),
        (&high, "environments.prod.risk = 'medium'", None, &[], " --> USER:1:26"),
        (&high, "environments.dev.risk = 'high'", None, &[("HOLDSHORT_ENVIRONMENTS__PROD__RISK", "high")], ""),
        // By a nearer name, by the connection, by a move to where less is at stake.
        (&high, "[environments.'prod/eu']\nrisk = 'low'", None, &[], " --> USER:2:8"),
        (&high, "", None, &[("HOLDSHORT_CONNECTIONS__EU__RISK", "low")], "connection 'eu' is high in SYSTEM:2:8"),
        (
            &high,
            "",
            None,
            &[("HOLDSHORT_CONNECTIONS__EU__ENVIRONMENT", "dev")],
            "connection 'eu' is high in SYSTEM:7:15",
        ),
        (
            &high,
            "",
            None,
            &[("HOLDSHORT_CONNECTIONS__HUB__REPOS", "[{ name = 'acme/pay', environments = { production = 'dev' } }]")],
            "acme/pay's environment 'production' is high",
        ),
        // One of a whole that is listed apart, with another name of the environment or with none.
        (
            all_of_acme,
            "",
            None,
            &[("HOLDSHORT_CONNECTIONS__HUB__REPOS", "[{ name = 'acme/pay', environments = { production = 'dev' } }]")],
            "acme/pay's environment 'production' is high in SYSTEM:8:",
        ),
        (
            all_of_acme,
            "",
            None,
            &[
                (
                    "HOLDSHORT_CONNECTIONS__HUB__REPOS",
                    "[{ name = 'acme/*', environments = { production = 'prod/eu' } }, { name = 'acme/pay' }]",
                ),
                ("HOLDSHORT_ENVIRONMENTS__PRODUCTION__RISK", "low"),
            ],
            "acme/pay's environment 'production' is high in SYSTEM:8:",
        ),
        // What nobody described is as dangerous as production, and that is said of it too.
        (eu, "", None, &[("HOLDSHORT_ENVIRONMENTS__PROD__RISK", "low")], "is high in SYSTEM:3:15"),
        (eu, "[environments.lab]\nrisk = 'low'", None, &[("HOLDSHORT_ENVIRONMENTS__TEST__RISK", "low")], ""),
        (
            "",
            "",
            None,
            &[
                ("HOLDSHORT_CONNECTIONS", "{ eu = { kind = 'kubernetes', environment = 'dev' } }"),
                ("HOLDSHORT_ENVIRONMENTS__DEV__RISK", "low"),
            ],
            "",
        ),
        (
            &held,
            "",
            None,
            &[("HOLDSHORT_SERVICES__PAY__RULES", "[]")],
            "the rule {max=0.01,signal=\"error_ratio\"} of service 'pay' is in force in SYSTEM:3:9",
        ),
        (&held, "[services.pay.slo]\nobjective = 0.9", None, &[], "`services.pay.slo.objective` is 0.99 in SYSTEM:2:"),
        (&held, "[services.pay.slo]\nobjective = 0.999\nlatency.le = 0.25", None, &[], ""),
        (&held, "services.pay.slo.latency.le = 2.5", None, &[], "`services.pay.slo.latency.le` is 0.5 in SYSTEM:2:"),
    ];
    for (system, user, profile, env, said) in table {
        let case = format!("{system}---\n{user}\n{profile:?} {env:?}");
        match layered(system, user, *profile, env) {
            Ok(_) => assert!(said.is_empty(), "taken: {case}"),
            Err(refused) => assert!(!said.is_empty() && refused.contains(said), "{case}:\n{refused}"),
        }
    }
    let more = format!("[services.pay]\nrules = [{rule}, {{ signal = 'latency_p99', max = 2.0 }}]");
    assert_eq!(layered(&held, &more, None, &[]).unwrap().services["pay"].rules.len(), 2);
}
