//! The way from a manifest to live AWS: what every command that talks to AWS begins with.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::args::Global;
use super::environment::Environment;
use super::failure::{AwsFailures, Failure};
use super::job_check::check_jobs;
use super::output::Output;
use crate::aws::{self, AccountAccess, Aws, ConnectOptions, OPERATIONS};
use crate::declarations::{self, Manifest};
use crate::manifest::{self, Regions, S3Place, Settings, StatePlace};
use crate::model::{Diagnostic, Diagnostics, Scope};
use crate::prices::Estimates;
use crate::render::count_of;
use crate::state::{LocalStore, S3Location, S3Store, State, Store};

/// The folder in which a manifest is looked for where nobody names one.
const USUAL_FOLDER: &str = "manifests";

/// Reads the manifest and shows every problem; fails when there is an error among them.
pub(super) fn load_manifest(global: &Global, output: &Output) -> Result<Manifest> {
    let manifest = match read_manifest(global) {
        Ok(manifest) => manifest,
        Err(problems) => {
            output.diagnostics(&problems)?;
            return Err(Failure::printed().into());
        }
    };
    output.diagnostics(&manifest.warnings)?;
    Ok(manifest)
}

/// The manifest with the files that it names, or all that is wrong with them.
pub(super) fn read_manifest(global: &Global) -> Result<Manifest, Diagnostics> {
    let (mut document, mut problems) = manifest::load(&global.manifests, &declarations::block_names());
    document.files = manifest::read_files(declarations::files_of(&document));
    problems.extend(check_rates(&document.settings));
    let mut manifest = Manifest::new(document, problems)?;
    check_jobs(&manifest.settings, manifest.declarations.iter(), &mut manifest.warnings);
    if manifest.warnings.has_errors() { Err(manifest.warnings) } else { Ok(manifest) }
}

/// The files of a manifest: its own, and those that its blocks name.
pub(super) fn named_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let (sources, problems) = manifest::SourceSet::read(folder);
    anyhow::ensure!(!problems.has_errors(), "the manifest in {} cannot be read", folder.display());
    let (document, _) = manifest::load(folder, &declarations::block_names());
    let own = sources.files().iter().map(|file| PathBuf::from(&file.path));
    Ok(own.chain(declarations::files_of(&document).into_iter().map(PathBuf::from)).collect())
}

/// The manifest's settings alone; problems of its blocks are left to the commands that need them.
pub(super) fn load_settings(global: &Global, output: &Output) -> Result<Settings> {
    let (document, mut problems) = manifest::load(&global.manifests, &declarations::block_names());
    problems.extend(check_rates(&document.settings));
    output.diagnostics(&problems)?;
    Ok(document.settings)
}

/// Whether there is no manifest, and nobody named a folder that has to be there.
pub(super) fn has_no_manifest(global: &Global) -> bool {
    global.manifests == Path::new(USUAL_FOLDER) && !global.manifests.exists()
}

/// The state store that the flags or the manifest name.
pub(super) async fn open_store(
    global: &Global,
    environment: &Environment,
    settings: &Settings,
) -> Result<Store> {
    let path = match (&global.state, &settings.state) {
        (Some(path), place) => {
            if let StatePlace::S3(place) = place {
                Output::new(global, environment).note(&left_alone(path, place));
            }
            path.clone()
        }
        (None, StatePlace::S3(place)) => {
            let location = S3Location {
                bucket: place.bucket.clone(),
                key: place.key.clone(),
                region: place.region.clone(),
                kms_key: place.kms_key.clone(),
            };
            return open_s3(global, environment, settings, location).await;
        }
        (None, StatePlace::File(path)) => PathBuf::from(&path.value),
        (None, StatePlace::Default) => default_path(settings),
    };
    Ok(Store::Local(LocalStore::new(path, &*settings.project)))
}

fn left_alone(path: &Path, shared: &S3Place) -> String {
    format!(
        "note: --state or OPSFORM_STATE names {}, so the shared state s3://{}/{} of the manifest is left alone",
        path.display(),
        shared.bucket,
        shared.key
    )
}

/// Where the state is when nobody says so.
pub(super) fn default_path(settings: &Settings) -> PathBuf {
    PathBuf::from(format!("state/{}.json", settings.project))
}

/// A store in S3, reached with the caller's own credentials.
pub(super) async fn open_s3(
    global: &Global,
    environment: &Environment,
    settings: &Settings,
    location: S3Location,
) -> Result<Store> {
    let aws = own_aws(global, settings, &location.region).await?;
    Ok(Store::S3(S3Store::new(aws, location, &*settings.project, environment.clock)))
}

/// AWS with the caller's own credentials, whatever accounts the manifest names.
pub(super) async fn own_aws(global: &Global, settings: &Settings, region: &str) -> Result<Aws> {
    let options = ConnectOptions {
        profile: global.profile.clone(),
        endpoint_url: global.endpoint_url.clone(),
        rates: rates(settings),
        ..ConnectOptions::default()
    };
    Ok(aws::connect_own(options, region).await?)
}

fn rates(settings: &Settings) -> BTreeMap<String, f64> {
    settings.aws.rates.iter().map(|(name, rate)| (name.clone(), rate.per_second)).collect()
}

/// `[aws.rates]` must name operations that opsform calls, or a typo would leave the default in place unseen.
fn check_rates(settings: &Settings) -> Vec<Diagnostic> {
    let known: Vec<&str> = OPERATIONS.iter().map(|operation| operation.name).collect();
    settings
        .aws
        .rates
        .iter()
        .filter(|(name, _)| !known.contains(&name.as_str()))
        .map(|(name, rate)| {
            Diagnostic::error(format!("opsform calls no operation `{name}`"))
                .at(rate.place.clone())
                .detail("unknown operation")
                .hint(manifest::hint_for(name, &known, "operations"))
        })
        .collect()
}

/// Connected to AWS, with the accounts and regions to work on.
pub(super) struct Session {
    pub(super) aws: Aws,
    /// What is read and written: every account in every region of the manifest, and wherever something is owned.
    pub(super) scopes: Vec<Scope>,
    /// The accounts and regions of the manifest.
    pub(super) manifest_scopes: Vec<Scope>,
    /// Those of them that `--region` leaves: where declarations make resources in this run.
    pub(super) declared_scopes: Vec<Scope>,
    /// The time at which the run began.
    pub(super) now: jiff::Timestamp,
    /// Prices for estimates.
    pub(super) estimates: Estimates,
    /// The folder of the manifest.
    pub(super) manifests: PathBuf,
    /// Whether the runner of the jobs started this run.
    pub(super) in_runner: bool,
}

impl Session {
    /// Connects and finds the scopes.
    pub(super) async fn connect(
        global: &Global,
        settings: &Settings,
        state: &State,
        environment: &Environment,
    ) -> Result<Self> {
        check_region_codes(global)?;
        let listed: Vec<String> = match &settings.aws.regions {
            Regions::Listed(regions) => regions.iter().map(|region| region.value.clone()).collect(),
            Regions::All | Regions::Default => Vec::new(),
        };
        let (aws, environment_region) = aws::connect(ConnectOptions {
            profile: global.profile.clone(),
            endpoint_url: global.endpoint_url.clone(),
            home_region: global.region.first().or(listed.first()).cloned(),
            accounts: settings
                .accounts
                .iter()
                .map(|account| AccountAccess {
                    name: account.name.clone(),
                    role_arn: Some(account.role_arn.clone()),
                    external_id: account.external_id.clone(),
                })
                .collect(),
            rates: rates(settings),
        })
        .await?;
        let aws = aws.with_clock(environment.clock);
        check_accounts(&aws, state)?;
        let home = global.region.first().or(listed.first()).cloned().or(environment_region);
        let declared = declared_scopes(&aws, settings, &listed, home, global).await?;
        let owned = state.addresses().map(|address| address.scope.clone());
        let all: BTreeSet<Scope> = declared.iter().cloned().chain(owned).collect();
        let wanted = |scope: &Scope| global.region.is_empty() || global.region.contains(&scope.region);
        let scopes: Vec<Scope> = all.into_iter().filter(wanted).collect();
        check_region_flag(global, &scopes)?;
        check_default_region(global, settings, &declared, state)?;
        let declared_scopes = declared.iter().filter(|scope| wanted(scope)).cloned().collect();
        let endpoint = aws.accounts().next().and_then(|account| aws.pricing_endpoint(account));
        let estimates = Estimates::new(environment.cache.as_deref(), endpoint.as_deref());
        Ok(Self {
            aws,
            scopes,
            manifest_scopes: declared,
            declared_scopes,
            now: environment.now,
            estimates,
            manifests: global.manifests.clone(),
            in_runner: environment.in_runner,
        })
    }
}

/// Credentials of another account than the one that the state speaks of would make everything a second time.
fn check_accounts(aws: &Aws, state: &State) -> Result<()> {
    let reached: BTreeSet<&str> = aws.accounts().collect();
    let mut unreached: BTreeMap<&str, usize> = BTreeMap::new();
    for address in state.addresses() {
        if !reached.contains(address.scope.account.as_str()) {
            *unreached.entry(&address.scope.account).or_default() += 1;
        }
    }
    let Some((account, count)) = unreached.into_iter().next() else {
        return Ok(());
    };
    let reached: Vec<&str> = reached.into_iter().collect();
    Err(Failure::new(
        format!(
            "the state holds {} in account {account}, but this run reaches account {} only",
            count_of(count, "resource", "resources"),
            reached.join(", ")
        ),
        "choose the right credentials with --profile or AWS_PROFILE, name all accounts in `[[account]]` blocks, choose \
         another state file with --state, or let go of what is there with `opsform state rm`",
    )
    .into())
}

async fn declared_scopes(
    aws: &Aws,
    settings: &Settings,
    listed: &[String],
    home: Option<String>,
    global: &Global,
) -> Result<Vec<Scope>> {
    let mut scopes = Vec::new();
    for account in aws.accounts() {
        let regions = match &settings.aws.regions {
            Regions::Listed(_) => listed.to_vec(),
            Regions::All => {
                let home = Scope::new(account, home.clone().unwrap_or_else(|| "us-east-1".to_owned()));
                aws::enabled_regions(aws, &home).await?
            }
            // The flag alone is enough where the manifest leaves the regions open.
            Regions::Default if !global.region.is_empty() => global.region.clone(),
            Regions::Default => vec![home.clone().ok_or_else(|| {
                Failure::new(
                    "no region is given",
                    "give --region, set AWS_REGION, or add `regions = [\"ap-northeast-2\"]` under [aws] in the manifest",
                )
            })?],
        };
        scopes.extend(regions.into_iter().map(|region| Scope::new(account, region)));
    }
    Ok(scopes)
}

/// Without `regions` in the manifest the environment decides, and another machine's environment would delete what this
/// one's made.
fn check_default_region(
    global: &Global,
    settings: &Settings,
    declared: &[Scope],
    state: &State,
) -> Result<()> {
    if settings.aws.regions != Regions::Default || !global.region.is_empty() {
        return Ok(());
    }
    let elsewhere = state.addresses().find(|a| !declared.iter().any(|scope| scope.region == a.scope.region));
    match (elsewhere, declared.first()) {
        (Some(address), Some(here)) => Err(Failure::new(
            format!(
                "the state holds resources in {}, but the region of this environment is {}",
                address.scope.region, here.region
            ),
            "write `regions = [\"...\"]` under [aws] in the manifest, so that it does not depend on who runs it",
        )
        .into()),
        _ => Ok(()),
    }
}

/// A region that is none would be a host that nobody finds.
fn check_region_codes(global: &Global) -> Result<()> {
    match global.region.iter().find(|region| !manifest::is_region(region)) {
        None => Ok(()),
        Some(region) => Err(Failure::new(
            format!("--region {region} is not a region's code"),
            "codes look like `ap-northeast-2` or `us-gov-west-1`",
        )
        .into()),
    }
}

fn check_region_flag(global: &Global, scopes: &[Scope]) -> Result<()> {
    let known: BTreeSet<&str> = scopes.iter().map(|scope| scope.region.as_str()).collect();
    match global.region.iter().find(|region| !known.contains(region.as_str())) {
        None => Ok(()),
        Some(region) => Err(Failure::new(
            format!("--region {region} is none of the manifest's regions"),
            "add it to `regions` under [aws], or correct the flag",
        )
        .into()),
    }
}

/// Turns failed reads into one error.
pub(super) fn failures(errors: Vec<aws::AwsError>) -> anyhow::Error {
    AwsFailures(errors).into()
}
