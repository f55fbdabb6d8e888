//! Gathers whatever can still be read of a service when something is broken, each part by itself and none for long: what was seen last,
//! the record, and the systems. A part that fails is said and holds up no other.

use std::{
    collections::BTreeMap,
    fmt::Display,
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use futures::{StreamExt, channel::mpsc};

use crate::{
    app::{
        model::Model,
        msg::Msg,
        store::{SourceInfo, SourceState},
        ways::{self, Wanted},
    },
    cache::{About, Cache, Found},
    cli::{
        args::Globals,
        emergency::{self, Broken, EmergencyArgs, Gathered, Known, Whence, is_about, is_named},
        exit::{CliError, Exit},
        source,
        table::Layout,
    },
    config::schema::Config,
    domain::{ids::SourceName, item::Item, observed::Freshness},
    journal::{Chain, Journal, spool},
    port::{
        cached::{CachedScope, Way},
        clock::Clock,
        inventory::Scope,
        record::Record,
    },
    run::{
        ground::{self, Ground, Pace},
        state::Places,
    },
    runtime::{
        clock::{SystemClock, within},
        cockpit::Cockpit,
    },
};

/// So long, by the clock on the wall, the systems are given to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// And so long to say what stands in the ways back.
const WAY_BACK: Duration = Duration::from_secs(4);
/// And so long the journal, and a served world for its time.
const SOON: Duration = Duration::from_secs(2);
/// The newest records that are looked through.
const RECORDS: usize = 1_000;
/// Those of them that are shown.
const SHOWN: usize = 5;

/// Gathers, and prints it.
pub(super) async fn look(
    globals: &Globals,
    environment: &BTreeMap<String, String>,
    args: &EmergencyArgs,
    layout: Layout,
    out: &mut dyn Write,
) -> Result<Exit, CliError> {
    let mut broken = Vec::new();
    let read_now = ground(globals, environment, &mut broken).await?;
    let (found, unkept) = match &read_now {
        Some(ground) if ground.world().is_some() => Default::default(),
        ground => files(ground.as_ref(), environment),
    };
    let ground = match read_now {
        Some(ground) => Some(ground),
        None => match as_before(globals, environment, &found, &mut broken).await {
            None => as_found(environment, &mut broken).await,
            ground => ground,
        },
    };
    let records = records(ground.as_ref(), environment, &found, &mut broken).await;
    let cockpit = match &ground {
        Some(ground) => read(ground, globals, environment, (&records, &args.service), &mut broken).await,
        None => None,
    };
    let now = ground.as_ref().map_or_else(|| SystemClock.now(), |ground| ground.clock.now());
    if !broken.is_empty() {
        // Where all was read nobody misses what was seen before.
        broken.extend(unkept.into_iter().map(|why| part("cache", why)));
    }
    let mut known: Vec<Known> = cockpit.iter().flat_map(|cockpit| live(cockpit, &args.service)).collect();
    let model = cockpit.as_ref().map(Cockpit::model);
    let mut services: Vec<String> = model.into_iter().flat_map(items).map(|item| item.service().to_string()).collect();
    let own = ground.as_ref().map(|ground| (ground.profile.as_str(), ground::named(globals)));
    let cached = from_files(found, own.as_ref().map(|(profile, files)| (*profile, files.as_slice())), model);
    services.extend(cached.iter().map(|one| one.item.service().to_string()));
    known.extend(cached.into_iter().filter(|one| is_named(&args.service, &one.item)));
    known.retain(is_worth_a_line);
    services.sort();
    services.dedup();
    let about = records.into_iter().filter(|record| is_about(&args.service, record)).take(SHOWN);
    let gathered = Gathered { now, known, records: about.collect(), broken, services };
    emergency::print(args, &gathered, layout, out)
}

/// What is told of a run that is over, and of which nothing goes back, helps nobody.
fn is_worth_a_line(known: &Known) -> bool {
    known.item.run().is_none_or(|run| !run.status.ended() || !known.ways.is_empty())
}

/// The ground, as far as its configuration can be read. An unknown scenario is wrong usage all the same.
async fn ground(
    globals: &Globals,
    environment: &BTreeMap<String, String>,
    broken: &mut Vec<Broken>,
) -> Result<Option<Ground>, CliError> {
    if let Some(scenario) = &globals.demo {
        return Ground::demo(scenario, globals, Pace::Virtual).map(Some);
    }
    Ok(match Ground::in_need(globals, environment, SOON).await {
        Ok((ground, why)) => {
            broken.extend(why.map(|why| part("clock", why.text())));
            Some(ground)
        }
        Err(why) => {
            broken.push(part("configuration", first_line(why.text())));
            None
        }
    })
}

/// The ground of a configuration that cannot be read now: what it was when something was seen with it last.
async fn as_before(
    globals: &Globals,
    environment: &BTreeMap<String, String>,
    found: &[Found],
    broken: &mut Vec<Broken>,
) -> Option<Ground> {
    let files = ground::named(globals);
    let profile = globals.profile.clone().unwrap_or_default();
    let ours = |about: &About| about.files == files && about.profile == profile;
    let before = found.iter().find(|one| ours(&one.about) && one.about.settings.is_some())?;
    let (ground, clock) = Ground::as_before(&before.about, environment, SOON).await?;
    broken.push(part("configuration", "below is told with what it was when it could be read last"));
    broken.extend(clock.map(|why| part("clock", why.text())));
    Some(ground)
}

/// The ground of no configuration at all: what this machine tells of.
async fn as_found(environment: &BTreeMap<String, String>, broken: &mut Vec<Broken>) -> Option<Ground> {
    let (ground, clock) = Ground::as_found(environment, SOON).await?;
    broken.push(part(
        "configuration",
        "below is told with what this machine tells of, as `holdshort init` would write it",
    ));
    broken.extend(clock.map(|why| part("clock", why.text())));
    Some(ground)
}

fn part(part: &'static str, why: impl Into<String>) -> Broken {
    Broken { part, why: why.into() }
}

/// What is wrong in a configuration is told over several lines, with its place; `config check` tells all of it.
fn first_line(text: &str) -> String {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or("it cannot be read").trim_start_matches("error: ");
    let rest = if lines.next().is_some() { " (`holdshort config check` says more)" } else { "" };
    format!("{first}{rest}")
}

/// The user's places, where the configuration does not say others.
fn usual_places(environment: &BTreeMap<String, String>) -> Result<Places, CliError> {
    Places::of(&Config::default(), environment)
}

/// The files of what was seen last, the newest first, and what of it cannot be read.
fn files(ground: Option<&Ground>, environment: &BTreeMap<String, String>) -> (Vec<Found>, Vec<String>) {
    let folder = match ground {
        Some(ground) => ground.places().cache(),
        None => usual_places(environment).ok().and_then(|places| places.cache()),
    };
    let Some(folder) = folder else { return (Vec::new(), vec!["it has no place, for HOME is not set".to_owned()]) };
    let left = |path: &Path, why: &dyn Display| format!("{} is left alone: {why}", path.display());
    let all = match Cache::every(&folder) {
        Ok(all) if all.is_empty() => return (Vec::new(), vec![format!("nothing was kept in {}", folder.display())]),
        Ok(all) => all,
        Err(why) => return (Vec::new(), vec![left(&folder, &why)]),
    };
    let (mut found, mut broken) = (Vec::new(), Vec::new());
    for one in all {
        match one {
            Ok(one) => found.push(one),
            Err((path, why)) => broken.push(left(&path, &why)),
        }
    }
    (found, broken)
}

/// The newest records, as they are written: to be shown, not to go by. Behind them what was kept aside while they could not be.
async fn records(
    ground: Option<&Ground>,
    environment: &BTreeMap<String, String>,
    found: &[Found],
    broken: &mut Vec<Broken>,
) -> Vec<Record> {
    let places = match ground {
        // A demo's journal began with it: nothing is there.
        Some(ground) if ground.world().is_some() => return Vec::new(),
        Some(ground) => Ok(ground.places().clone()),
        None => usual_places(environment).map(|places| {
            let told = found.iter().find_map(|one| Some((one.about.records.clone()?, one.about.group.clone())));
            if let Some((folder, group)) = told {
                places.with_records(folder, group)
            } else {
                let said = format!("looked for in {}: the configuration may name another place", shown(&places));
                broken.push(part("journal", said));
                places
            }
        }),
    };
    let places = match places {
        Ok(places) => places,
        Err(why) => {
            broken.push(part("journal", why.text()));
            return Vec::new();
        }
    };
    let (told, mut hears) = mpsc::unbounded();
    let from = places.clone();
    // What holds the file may hold it for long: whoever reads it is left behind then, and ends with the process.
    tokio::task::spawn_blocking(move || {
        let read = || -> Result<Vec<Record>, String> {
            if !from.journal_file().exists() {
                return from.somewhere().map(|()| Vec::new()).map_err(|why| why.text().to_owned());
            }
            let journal = from.journal_to_read().map_err(|why| why.to_string())?;
            let newest = journal.newest(RECORDS).map_err(|why| why.to_string())?;
            let _ = told.unbounded_send(Ok(newest));
            match journal.verify() {
                Ok(Chain::Broken { why, .. }) => {
                    Err(format!("it was changed: {why}; `holdshort audit verify` says where"))
                }
                _ => Ok(Vec::new()),
            }
        };
        let _ = told.unbounded_send(read());
    });
    let mut records = Vec::new();
    loop {
        match within(&SystemClock, SOON, hears.next()).await {
            Some(Some(Ok(read))) => records.extend(read),
            Some(Some(Err(why))) => broken.push(part("journal", why)),
            Some(None) => break,
            // What was read of it by then is there; whether it was changed is not known.
            None => {
                let what = if records.is_empty() { "it did not answer" } else { "whether it was changed was not told" };
                broken.push(part("journal", format!("{}: {what} within {} s", shown(&places), SOON.as_secs())));
                break;
            }
        }
    }
    let mut all = spool::laid_onto(records, places.spool().lines());
    all.sort_by_key(|record| std::cmp::Reverse(record.intent.at));
    all
}

fn shown(places: &Places) -> String {
    places.journal_file().display().to_string()
}

/// What the systems tell within a few seconds. Records say which versions were left for cause.
async fn read(
    ground: &Ground,
    globals: &Globals,
    environment: &BTreeMap<String, String>,
    (records, name): (&[Record], &str),
    broken: &mut Vec<Broken>,
) -> Option<Cockpit> {
    let mut cockpit = match ground.looking(globals, environment) {
        Ok(cockpit) => cockpit,
        Err(why) => {
            broken.push(part("connection", why.text()));
            return None;
        }
    };
    within(&SystemClock, PATIENCE, cockpit.settle()).await;
    let (ended, open): (Vec<Record>, Vec<Record>) =
        records.iter().rev().cloned().partition(|record| record.end().is_some());
    cockpit.feed(Msg::Past(ended));
    for record in open {
        cockpit.feed(Msg::Recorded(Box::new(record)));
    }
    within(&SystemClock, WAY_BACK, look_into(&mut cockpit, name)).await;
    let model = cockpit.model();
    let states = model.store.sources(model.now);
    // What tells of nothing that runs is not asked here, and is not silent for that.
    let is_asked = |state: &&SourceState| {
        let tells = |info: &SourceInfo| info.name == state.source && !info.inventories.is_empty();
        state.fault.is_some() || model.session.sources.iter().any(tells)
    };
    let silent = states.iter().filter(|state| state.freshness != Freshness::Live || !state.unread.is_empty());
    broken.extend(silent.filter(is_asked).map(|state| part("connection", source::sentence(state))));
    Some(cockpit)
}

/// Asks what stands in the way back of everything that is named: who leads somebody there by hand must know it.
async fn look_into(cockpit: &mut Cockpit, name: &str) {
    let named = items(cockpit.model()).filter(|item| is_named(name, item));
    let wanted: Vec<Wanted> = named.flat_map(|item| ways::wanted(cockpit.model(), &item)).collect();
    for wanted in wanted {
        if let Wanted::Draft(ask, _) = wanted {
            cockpit.look_into(&ask, WAY_BACK).await;
        }
    }
}

/// Everything that was read just now.
fn items(model: &Model) -> impl Iterator<Item = Item> {
    let rollouts = model.store.rollouts().map(|it| Item::from(it.clone()));
    let gates = model.store.gates().map(|it| Item::from(it.clone()));
    rollouts.chain(gates).chain(model.store.runs().map(|it| Item::from(it.clone())))
}

/// What was read just now of what is named.
fn live(cockpit: &Cockpit, name: &str) -> Vec<Known> {
    let model = cockpit.model();
    let one = |item: Item| {
        let at = model.store.observed_at(item.id()).unwrap_or(model.now);
        Known { at, whence: Whence::Live, ways: cockpit.ways(&item), item }
    };
    items(model).filter(|item| is_named(name, item)).map(one).collect()
}

/// What earlier processes saw, but for what was read just now. Of each configuration the newest of each object; and where the one in
/// force has seen anything of a service, that goes before what others saw of it.
fn from_files(found: Vec<Found>, own: Option<(&str, &[PathBuf])>, model: Option<&Model>) -> Vec<Known> {
    let is_read = |source: &SourceName, scope: &Scope| model.is_some_and(|model| model.store.has_read(source, scope));
    let mut newest: BTreeMap<(bool, String, String), Known> = BTreeMap::new();
    for Found { about: About { profile, files, .. }, program, scopes, .. } in found {
        // Two files may both have no profile.
        let is_own = own == Some((profile.as_str(), files.as_slice()));
        for CachedScope { source, scope, at, items, ways } in scopes {
            // Of another configuration the same name may be another system.
            if is_own && is_read(&source, &scope) {
                continue;
            }
            for item in items {
                let key = (!is_own, profile.clone(), item.id().to_string());
                if newest.get(&key).is_some_and(|known| known.at >= at) {
                    continue;
                }
                let ways: Vec<Way> = ways.iter().filter(|way| way.target == *item.id()).cloned().collect();
                let profile = (!is_own).then(|| profile.clone());
                let whence = Whence::Cache { profile, program: program.clone() };
                newest.insert(key, Known { item, at, whence, ways });
            }
        }
    }
    let own: Vec<_> =
        newest.iter().filter(|((other, ..), _)| !other).map(|(_, one)| one.item.service().clone()).collect();
    let live = |item: &Item| {
        model.is_some_and(|model| {
            let mut rollouts = model.store.rollouts();
            rollouts.any(|rollout| rollout.service == *item.service())
        })
    };
    let is_meant = |((other, ..), one): &((bool, String, String), Known)| {
        !other || !(own.contains(one.item.service()) || live(&one.item))
    };
    newest.into_iter().filter(is_meant).map(|(_, one)| one).collect()
}
