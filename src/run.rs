//! The composition root: the command line picks a ground (configuration or built-in world), providers go over it, the
//! runtime over them, and a command over that. The only file, with its folder, that knows every room. Over 500 lines, for each command
//! is a few of them, and where they are put together is one place.

mod audit;
mod demo;
mod doctor;
mod emergency;
mod flags;
mod fly;
mod gate;
mod ground;
mod init;
mod linear;
mod log;
mod origin;
mod paint;
mod pilot;
mod reach;
mod registry;
mod replay;
mod serve;
mod state;
mod vouch;
mod world;

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    fs,
    future::Future,
    io::{self, BufReader, IsTerminal, Write},
    process::ExitCode,
    time::Duration,
};

pub use self::demo::Demo;
use crate::{
    app::{
        self,
        model::{Model, Screen},
    },
    cli::{
        args::{
            AuditCommand, Cli, ColorChoice, Command, ConfigCommand, DemoArgs, DemoCommand, DriftArgs, FIRST_SCENARIO,
            Globals, LogsArgs, RunArgs, RunsArgs, SHOWN_SCENARIO, SnapshotArgs, StateCommand, ThemesCommand,
        },
        color, config,
        door::{self, Door},
        drift,
        exit::{CliError, Exit},
        inbox,
        init::InitArgs,
        judge, keys, listing, logs, run as one_run, runs, secret, shell, snapshot, status,
        table::Layout,
        value::{Moment, Snapshotted},
        verb::{self, Console, Prompt},
    },
    demo::scenario::Scenario,
    domain::text::one_line,
    keymap::Keymap,
    ownership,
    port::{lookup::Topic, record::RecordId},
    program,
    run::{
        ground::{Ground, Pace},
        paint::Pictures,
        pilot::{Autopilot, RIGHTS, UNSEEN},
    },
    runtime::{
        detach::{Order, leave_session},
        executor::{self, Host},
        player::Player,
        recorder::Recording,
    },
    theme, view,
};

/// How long a command waits until all lines of the time that it asks for were read.
const LINES: Duration = Duration::from_secs(20);

/// A cockpit over a built-in scenario (a name, or a file), where it opens, at a size in columns and rows, and settled: every
/// source has answered once. It depends on neither flags nor environment, so that the same keys always give the same screens.
/// For a `current_thread` runtime in paused time; an unknown or broken scenario is a usage error.
pub async fn demo_cockpit(scenario: &str, size: (u16, u16)) -> Result<Demo, CliError> {
    let mut demo = demo::board(scenario, size)?;
    demo.cockpit.settle().await;
    Ok(demo)
}

/// What a command that acts does.
#[derive(Clone, Copy)]
enum Act<'a> {
    /// A verb, and the version to roll back to.
    Verb(crate::domain::verb::Verb, Option<&'a str>),
    /// Carrying on what a dead executor left.
    TakeOver,
}

/// Everything of this process that commands may depend on.
struct Process<'a> {
    globals: Globals,
    environment: BTreeMap<String, String>,
    out: &'a mut Door<io::Stdout>,
    err: &'a mut Door<io::Stderr>,
}

/// Runs a command line and says how it ended. Never prints through macros: a closed pipe or a dead terminal is no panic.
pub fn run(line: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> ExitCode {
    let environment: BTreeMap<String, String> = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let line: Vec<OsString> = line.into_iter().map(Into::into).collect();
    let (mut out, mut err) = (door::out(), door::err());
    let cli = match crate::cli::parse(&line) {
        Ok(cli) => cli,
        Err(said) => return said_by_clap(said, &line, &environment, &mut out, &mut err),
    };
    log::listen(cli.globals.verbose, cli.draws(), &environment);
    let mut globals = cli.globals.clone();
    if !matches!(cli.command, Some(Command::Executor { .. })) {
        let handed_over = globals.config.iter().filter(|path| ownership::is_handed_over(path));
        let texts = handed_over.filter_map(|path| Some((path.clone(), fs::read_to_string(path).ok()?)));
        globals.given = texts.collect();
    }
    let mut process = Process { globals, environment, out: &mut out, err: &mut err };
    let ended = process.dispatch(&cli);
    // A command of a token, or a cluster's plugin, may still run; nobody waits for it any more.
    program::end_all();
    match ended {
        Ok(exit) => exit.into(),
        Err(error) => {
            tracing::warn!(exit = error.exit.code(), "{error}");
            if !error.text().is_empty() {
                // Its lines are ours: whatever it quotes begins none.
                let _ = err.write_all(format!("holdshort: {}\n", error.text()).as_bytes());
            }
            error.exit.into()
        }
    }
}

/// Help, the version, or what is wrong with the command line. It quotes arguments: nothing of them begins a line.
fn said_by_clap(
    said: clap::Error,
    line: &[OsString],
    environment: &BTreeMap<String, String>,
    out: &mut Door<io::Stdout>,
    err: &mut Door<io::Stderr>,
) -> ExitCode {
    let quotable = line.iter().map(|word| OsString::from(one_line(&word.to_string_lossy()))).collect::<Vec<_>>();
    let code = ExitCode::from(u8::try_from(said.exit_code()).unwrap_or(Exit::Usage.code()));
    let said = if quotable == line { Some(said) } else { crate::cli::parse(quotable).err() };
    let Some(said) = said else {
        let _ = writeln!(err, "holdshort: an argument holds characters that cannot be printed: leave them out");
        return code;
    };
    let is_terminal = if said.use_stderr() { io::stderr().is_terminal() } else { io::stdout().is_terminal() };
    let coloured = color::colors(ColorChoice::Auto, environment, is_terminal);
    let text = if coloured { said.render().ansi().to_string() } else { said.render().to_string() };
    let _ = if said.use_stderr() { err.write_coloured(&text) } else { out.write_coloured(&text) };
    code
}

/// Does somebody sit there, who can be asked?
fn somebody_is_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks a question, and takes a line.
fn answered(question: &str) -> io::Result<String> {
    let mut said = String::new();
    write!(door::err(), "{question}")?;
    io::stdin().read_line(&mut said)?;
    Ok(said)
}

impl Process<'_> {
    fn dispatch(&mut self, cli: &Cli) -> Result<Exit, CliError> {
        flags::named(cli, &self.environment)?;
        let Some(command) = &cli.command else {
            return self.cockpit(None, 1.0, cli.record.as_deref());
        };
        if let Some((verb, args, to)) = command.verb() {
            return self.verb(Act::Verb(verb, to), args);
        }
        match command {
            Command::Demo(demo) => self.demo(demo, cli),
            Command::Status { service, exit_code, json } => {
                let (service, manner) =
                    (service.clone(), status::Manner { as_json: *json, judging: *exit_code, layout: self.layout() });
                self.looking(|model, _, out| status::print(model, service.as_deref(), manner, view::headline_text, out))
            }
            Command::Takeover(args) => self.verb(Act::TakeOver, args),
            Command::Gate(args) => {
                self.wait(async { gate::wait(&self.ground().await?, &self.globals, &self.environment, args).await })
            }
            Command::Inbox { json } => {
                let (json, layout) = (*json, self.layout());
                self.looking(|model, _, out| inbox::print_as(model, json, layout, out))
            }
            Command::Runs(args) => self.runs(args),
            Command::Run(args) => self.one_run(args),
            Command::Logs(args) => self.logs(args),
            Command::Drift(args) => self.drift(args),
            Command::Emergency(args) => {
                let layout = self.layout();
                self.wait(emergency::look(&self.globals, &self.environment, args, layout, &mut door::out()))
            }
            Command::Judge(args) => judge::run(args, &mut io::stdin().lock(), self.out, self.err),
            Command::Snapshot(args) => self.snapshot(args),
            Command::Replay { file, until, speed } => self.replay(file, *until, *speed),
            Command::Audit(command) => self.audit(command),
            Command::Keys { json } => {
                keys::print(&self.configured_keys()?, *json, self.layout(), self.out).map(|()| Exit::Done)
            }
            Command::Themes(command) => self.themes(command),
            Command::Init(args) => self.init(args),
            Command::Doctor(args) => self.wait(async {
                let ground = self.ground().await?;
                doctor::examine(&ground, &self.globals, &self.environment, args, &mut door::out()).await
            }),
            Command::Completions { shell: one } => shell::completions(*one, self.out),
            Command::Man(args) => shell::man(args, self.out),
            Command::Config(ConfigCommand::Check { files }) => {
                self.globals.config.extend(files.iter().cloned());
                let loaded = ground::checked(&self.globals, &self.environment)?;
                config::needs_connections(&loaded)?;
                let exit = config::check(&loaded, self.out)?;
                let unmade = registry::unmade(&loaded.config, &self.environment);
                registry::unproven(&loaded.config, &self.environment)
                    .iter()
                    .chain(&unmade)
                    .try_for_each(|line| writeln!(self.out, "{line}"))?;
                Ok(exit)
            }
            Command::Config(ConfigCommand::Show) => {
                config::show(&ground::loaded(&self.globals, &self.environment)?, self.out)
            }
            Command::Config(ConfigCommand::Schema) => config::schema(self.out),
            Command::State(StateCommand::Init { group, path }) => {
                let configured = || ground::configured_state(&self.globals, &self.environment).map(|state| state.path);
                let folder = path.clone().map_or_else(configured, |path| Ok(Some(path)))?;
                state::init(group, &folder.unwrap_or_else(|| state::TEAM.into()), self.out)
            }
            Command::Executor { id } => self.executor(RecordId(*id)),
            // Every other command is a verb.
            _ => Err(CliError::usage("this command has no meaning here")),
        }
    }

    /// How tables are laid out.
    fn layout(&self) -> Layout {
        Layout::of(self.globals.linear)
    }

    /// The ground of a one-shot command: on the virtual clock if the world is built in.
    async fn ground(&self) -> Result<Ground, CliError> {
        match &self.globals.demo {
            Some(scenario) => Ground::demo(scenario, &self.globals, Pace::Virtual),
            None => Ground::real(&self.globals, &self.environment).await,
        }
    }

    /// Runs to the end: in paused time where the world is built in, so that waiting takes none.
    fn wait<T>(&self, work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().start_paused(self.globals.demo.is_some());
        let runtime = builder.build().map_err(|why| CliError::failed(format!("no runtime: {why}")))?;
        let done = runtime.block_on(work);
        // A program that still gives a credential must not hold the shell.
        runtime.shutdown_background();
        done
    }

    /// A look at the settled model.
    fn looking(
        &mut self,
        look: impl FnOnce(&Model, &Keymap, &mut dyn Write) -> Result<Exit, CliError>,
    ) -> Result<Exit, CliError> {
        let pilot = self.wait(self.settled(UNSEEN))?;
        look(pilot.cockpit.model(), pilot.cockpit.keymap(), self.out)
    }

    /// A look at all runs, and into those that failed where that is asked.
    fn runs(&mut self, args: &RunsArgs) -> Result<Exit, CliError> {
        self.wait(async {
            let pilot = self.settled(UNSEEN).await?;
            let (model, mut looked) = (pilot.cockpit.model(), (Vec::new(), Vec::new()));
            if args.jobs {
                let lookup = |source: &_| pilot.cockpit.lookup(source, Topic::Jobs).map(|it| &**it);
                looked = runs::failures(model, lookup, args).await;
            }
            runs::print_as(model, args, (&looked.0, &looked.1), self.layout(), &mut door::out())
        })
    }

    /// A look at one run. Its logs are printed as they come.
    fn one_run(&mut self, args: &RunArgs) -> Result<Exit, CliError> {
        self.wait(async {
            let pilot = self.settled(UNSEEN).await?;
            let model = pilot.cockpit.model();
            let run = one_run::resolve(model, &args.id)?;
            let lookup = pilot
                .cockpit
                .lookup(&run.source, Topic::Jobs)
                .ok_or_else(|| CliError::usage(format!("no connection '{}' tells of runs", run.source)))?;
            let (lookup, layout) = (&**lookup, self.layout());
            let look = one_run::Look { model, lookup, layout, out: &mut door::out(), err: &mut door::err() };
            one_run::print(look, run, args).await
        })
    }

    /// What a service writes. Its lines are printed as they come.
    fn logs(&mut self, args: &LogsArgs) -> Result<Exit, CliError> {
        self.wait(async {
            let mut pilot = self.settled(UNSEEN).await?;
            if args.patterns {
                let rollout = logs::release(pilot.cockpit.model(), &args.target)?;
                let id = rollout.id.clone();
                let wanted = logs::wanted(pilot.cockpit.model(), &id.to_string())?;
                let asked = logs::question(pilot.cockpit.model(), &wanted, args);
                let model = pilot.cockpit.model_mut();
                app::logs::ask(model, &id, asked);
                model.nav.open(Screen::Release(id.clone()));
                pilot.cockpit.tick();
                let read =
                    |model: &Model| model.logs.get(&id).is_none_or(|logs| logs.is_read() || logs.fault.is_some());
                pilot.cockpit.until(read, LINES).await;
                let model = pilot.cockpit.model();
                let rollout = logs::release(model, &args.target)?;
                return logs::patterns(model, rollout, args.json, self.layout(), &mut door::out());
            }
            let model = pilot.cockpit.model();
            let wanted = logs::wanted(model, &args.target)?;
            let lookup = pilot
                .cockpit
                .lookup(&wanted.source, Topic::Lines)
                .ok_or_else(|| CliError::usage(format!("{} keeps no lines", wanted.source)))?;
            logs::print(model, &wanted, &**lookup, args, (&mut door::out(), &mut door::err())).await
        })
    }

    /// Which settings of a service differ between environments.
    fn drift(&mut self, args: &DriftArgs) -> Result<Exit, CliError> {
        self.wait(async {
            let mut pilot = self.settled(UNSEEN).await?;
            let pair = drift::pair(pilot.cockpit.model(), args)?;
            let asked = app::drift::questions(pilot.cockpit.model(), &pair).into_iter().map(app::drift::asked);
            pilot.ask(asked.collect()).await;
            drift::print(pilot.cockpit.model(), &pair, args, self.layout(), &mut door::out())
        })
    }

    /// Writes a configuration; the built-in world needs none.
    fn init(&mut self, args: &InitArgs) -> Result<Exit, CliError> {
        if self.globals.demo.is_some() {
            return Err(CliError::usage("init looks at real systems: leave --demo out"));
        }
        let mut prompt = answered;
        let prompt: Option<Prompt<'_>> = if somebody_is_there() { Some(&mut prompt) } else { None };
        let to = (&mut door::out() as &mut dyn Write, &mut door::err() as &mut dyn Write);
        self.wait(init::write(&self.globals, &self.environment, args, prompt, to))
    }

    async fn settled(&self, size: (u16, u16)) -> Result<Autopilot, CliError> {
        self.settled_on(&self.ground().await?, size).await
    }

    /// Everything has answered once, and what was seen is kept for the night when nothing does.
    async fn settled_on(&self, ground: &Ground, size: (u16, u16)) -> Result<Autopilot, CliError> {
        let mut pilot = ground.cockpit(&self.globals, &self.environment, size, None)?;
        pilot.settle().await;
        if let Some(cache) = ground.cache(&self.globals, &self.environment) {
            pilot.cockpit.keep_once(cache).await;
        }
        Ok(pilot)
    }

    fn verb(&mut self, act: Act<'_>, args: &crate::cli::args::VerbArgs) -> Result<Exit, CliError> {
        let secrets = secret::read(&args.secret, &self.environment, &mut io::stdin().lock())?;
        let mut prompt = answered;
        let (mut out, mut err) = (Door::new(Vec::new()), door::err());
        let ended = {
            let prompt: Option<Prompt<'_>> = if somebody_is_there() { Some(&mut prompt) } else { None };
            let layout = self.layout();
            let mut console = Console { out: &mut out, err: &mut err, layout, prompt, secrets };
            self.wait(async {
                let ground = self.ground().await?;
                let mut pilot = self.settled_on(&ground, UNSEEN).await?;
                let cache = ground.cache(&self.globals, &self.environment);
                let ended = match act {
                    Act::Verb(verb, to) => verb::run(&mut pilot, verb, args, to, &mut console).await,
                    Act::TakeOver => verb::take_over(&mut pilot, args, &mut console).await,
                };
                pilot.cockpit.finish().await;
                // What it did has changed how it is gone back from.
                if let Some(cache) = cache {
                    pilot.cockpit.keep_once(cache).await;
                }
                ended
            })
        };
        let written = self.out.write_all(&out.into_inner()).map_err(CliError::from);
        ended.and_then(|exit| exit.whoever_reads(written))
    }

    fn demo(&mut self, demo: &DemoArgs, cli: &Cli) -> Result<Exit, CliError> {
        let unnamed = if demo.command.is_some() { FIRST_SCENARIO } else { SHOWN_SCENARIO };
        let named = demo.scenario.as_deref().or(self.globals.demo.as_deref()).unwrap_or(unnamed).to_owned();
        if demo.list {
            let all = Scenario::list().into_iter();
            let all: Vec<_> = all.map(|(name, about)| listing::Named { name: name.to_owned(), about }).collect();
            return listing::list(&all, "SCENARIO", self.layout(), self.out);
        }
        let speed = demo.speed.unwrap_or(1.0);
        if let Some(DemoCommand::Serve { listen, now }) = &demo.command {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
            let time = if *now { serve::Time::Now } else { serve::Time::Own { speed } };
            return runtime.block_on(serve::run(&named, &self.globals, *listen, time, self.out));
        }
        self.cockpit(Some(&named), speed, demo.record.as_deref().or(cli.record.as_deref()))
    }

    /// The cockpit in the terminal.
    fn cockpit(
        &mut self,
        scenario: Option<&str>,
        speed: f64,
        record: Option<&std::path::Path>,
    ) -> Result<Exit, CliError> {
        let scenario = scenario.or(self.globals.demo.as_deref());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let cannot = if self.globals.linear {
            None
        } else {
            linear::undrawable(self.environment.get("TERM").map(String::as_str))
        };
        let flown = runtime.block_on(async {
            let ground = match scenario {
                Some(name) => Ground::demo(name, &self.globals, Pace::Scaled(speed))?,
                None => Ground::real(&self.globals, &self.environment).await?,
            };
            let lines = self.globals.linear || cannot.is_some();
            let size = if lines { UNSEEN } else { crossterm::terminal::size().unwrap_or(UNSEEN) };
            let dress = paint::dress(&self.globals, Some(&ground.config), &self.environment)?;
            let mut pilot = ground.cockpit(&self.globals, &self.environment, size, record)?;
            if let Some(cache) = ground.cache(&self.globals, &self.environment) {
                pilot.cockpit.remember(cache).await;
            }
            if let Some(why) = cannot {
                writeln!(door::err(), "holdshort: {why}: each change is a line, as with --linear")?;
            }
            if lines {
                return linear::follow(pilot.cockpit).await;
            }
            fly::open(pilot.cockpit, &dress, self.globals.slow).await
        });
        // A provider that hangs must not hold the shell.
        runtime.shutdown_background();
        flown
    }

    fn snapshot(&mut self, args: &SnapshotArgs) -> Result<Exit, CliError> {
        snapshot::check(args)?;
        let mut pilot = self.wait(async {
            let mut pilot = self.settled((args.size.columns, args.size.rows)).await?;
            snapshot::open(pilot.cockpit.model_mut(), args)?;
            // What is asked only while somebody looks at it.
            pilot.cockpit.tick();
            let told = |model: &Model| model.logs.values().all(|logs| logs.at.is_some() || logs.fault.is_some());
            pilot.cockpit.until(told, RIGHTS).await;
            pilot.cockpit.idle().await;
            for chord in args.keys.iter().flat_map(|keys| &keys.0) {
                pilot.cockpit.press_one(*chord).await;
            }
            Ok(pilot)
        })?;
        let config = if self.globals.demo.is_some() {
            None
        } else {
            Some(ground::loaded(&self.globals, &self.environment)?.config)
        };
        let (globals, config, environment) = (&self.globals, config.as_ref(), &self.environment);
        let theme = match args.format {
            Snapshotted::Svg => paint::pictured(globals, config, environment)?,
            // Whoever asks for escape sequences asks for colours.
            form => {
                paint::theme(globals, config, environment, form == Snapshotted::Ansi || io::stdout().is_terminal())?
            }
        };
        let pictures = Pictures { keymap: pilot.cockpit.keymap().clone(), theme };
        snapshot::print(pilot.cockpit.model_mut(), args, &pictures, self.out).map(|()| Exit::Done)
    }

    fn replay(&mut self, file: &std::path::Path, until: Option<Moment>, speed: f64) -> Result<Exit, CliError> {
        let wrong = |why: &dyn std::fmt::Display| CliError::usage(format!("{}: {why}", file.display()));
        let opened = fs::File::open(file).map_err(|why| wrong(&why))?;
        let recording = Recording::read(BufReader::new(opened)).map_err(|why| wrong(&why))?;
        if recording.truncated {
            writeln!(self.err, "holdshort: the last line of {} was cut off and is left out", file.display())?;
        }
        let until = until.map(|until| until.in_recording(recording.header.at));
        if let Some(said) = replay::past_the_end(&recording, until) {
            writeln!(self.err, "holdshort: {said}")?;
        }
        let is_terminal = io::stdout().is_terminal();
        let theme = paint::theme(&self.globals, None, &self.environment, is_terminal)?;
        let keymap = Keymap::with(&BTreeMap::new()).map_err(|why| CliError::usage(why.to_string()))?;
        if is_terminal && io::stdin().is_terminal() {
            let player = Player::new(recording, until, speed);
            return self.wait(replay::open(player, &keymap, &theme));
        }
        let model = recording.play(until);
        let pictures = Pictures { keymap, theme };
        let is_coloured = is_terminal || color::colors(self.globals.color, &self.environment, is_terminal);
        let form = if is_coloured { Snapshotted::Ansi } else { Snapshotted::Txt };
        let text = snapshot::Painter::paint(&pictures, &model, form).map_err(CliError::failed)?;
        self.out.write_coloured(&format!("{text}\n"))?;
        Ok(Exit::Done)
    }

    fn audit(&mut self, command: &AuditCommand) -> Result<Exit, CliError> {
        let ground = self.wait(self.ground())?;
        ground.places().somewhere()?;
        audit::audit(&ground, command, self.layout(), self.out, self.err)
    }

    /// The keys with the configuration's overrides, or the defaults where there is no configuration.
    fn configured_keys(&self) -> Result<Keymap, CliError> {
        let overrides =
            ground::loaded(&self.globals, &self.environment).map(|loaded| loaded.config.keys).unwrap_or_default();
        Keymap::with(&overrides).map_err(|why| CliError::usage(why.to_string()))
    }

    fn themes(&mut self, command: &ThemesCommand) -> Result<Exit, CliError> {
        match command {
            ThemesCommand::List => {
                let named = |name: &str| listing::Named { name: name.to_owned(), about: paint::about(name) };
                listing::list(&theme::names().map(named).collect::<Vec<_>>(), "THEME", self.layout(), self.out)
            }
            ThemesCommand::Check { file: Some(file) } => {
                let text =
                    fs::read_to_string(file).map_err(|why| CliError::usage(format!("{}: {why}", file.display())))?;
                listing::check(&[(file.display().to_string(), paint::faults(&text))], self.out)
            }
            ThemesCommand::Check { file: None } => {
                let checked = theme::names()
                    .map(|name| (name.to_owned(), paint::faults(theme::built_in(name).unwrap_or_default())));
                listing::check(&checked.collect::<Vec<_>>(), self.out)
            }
        }
    }

    /// The executor as a process of its own: carries out the order that comes through its input from whoever confirmed it.
    /// Its output is the sign that somebody attends the record, so nothing is written there.
    fn executor(&mut self, id: RecordId) -> Result<Exit, CliError> {
        let by_hand = || {
            CliError::usage(
                "an executor is started by the command or key that somebody confirmed, which tells it what to do; \
                 a record says what was done and is never carried out",
            )
        };
        if io::stdin().is_terminal() {
            return Err(by_hand());
        }
        let order = Order::read(io::stdin().lock()).map_err(|_| by_hand())?;
        if order.record != id {
            return Err(by_hand());
        }
        self.globals.given.clone_from(&order.given);
        let own = origin::here(&self.environment).uid;
        if let Some(other) = order.confirmed.origin.as_ref().map(|origin| origin.uid).filter(|uid| *uid != own) {
            let said = format!("record {id} is of uid {other}: nobody else carries it out");
            return Err(CliError::new(Exit::Refused, said));
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        // Started by hand from a shell it leads a group already, which is as good.
        let _ = leave_session();
        runtime.block_on(async {
            let ground = Ground::real(&self.globals, &self.environment).await?;
            if self.globals.read_only || ground.config.read_only {
                return Err(CliError::usage("this session is read-only: nothing is carried out"));
            }
            // A journal that fails now stops the way back no more than it did when that was begun.
            let (ledger, _) = ground.ledger();
            let news = |_| {};
            let host = |connections| Host { ledger: &ledger, connections, clock: &*ground.clock, news: &news };
            let ended = match ground.connections() {
                Ok(connections) => executor::run(id, &order.confirmed, &order.secrets(), &host(&connections)).await,
                Err(why) => executor::give_up(id, &order.confirmed, why.text(), &host(&[])).await,
            };
            ended.map(|_| Exit::Done).map_err(|why| CliError::failed(why.to_string()))
        })
    }
}
