//! What kinds do without a declaration: plans and applies of resources that a test names, with a state on disk.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use opsform::apply::{Apply, Event, Report, apply};
use opsform::aws::{Aws, OPERATIONS};
use opsform::model::{Actual, Address, Claim, Desired, Fields, Origin, Ownership, Place, Scope};
use opsform::plan::{Held, Outlook, Plan, PlanInput, PlanOptions, Verb, plan};
use opsform::prices::Estimates;
use opsform::resources::{self, KeyRequest, OutlookQuestion, OwnershipNeed, ReadRequest};
use opsform::state::{LocalStore, LockOwner, LockRequest, Locked, State, Store};
use tempfile::TempDir;

use crate::aws::{Account, Emulator};
use crate::workspace::REGION;

pub(crate) const PROJECT: &str = "payments";

/// An account of its own, the way to it, and a state.
pub(crate) struct HandsOn {
    pub(crate) account: Account,
    pub(crate) scope: Scope,
    pub(crate) folder: TempDir,
    /// What was told on the way.
    pub(crate) told: Mutex<Vec<String>>,
}

impl HandsOn {
    pub(crate) fn new() -> Self {
        let account = Emulator::shared().account();
        let scope = Scope::new(account.id(), REGION);
        Self { account, scope, folder: TempDir::new().unwrap(), told: Mutex::default() }
    }

    /// The same account and state, seen from another region.
    pub(crate) fn elsewhere(&self, region: &str) -> Scope {
        Scope::new(self.account.id(), region)
    }

    pub(crate) async fn aws(&self) -> Aws {
        let credentials =
            Credentials::new(format!("AKIA{}", self.account.id()), "not-a-secret", None, None, "test");
        let config = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .endpoint_url(self.account.url())
            .credentials_provider(credentials)
            .retry_config(aws_config::retry::RetryConfig::disabled())
            .load()
            .await;
        let rates = OPERATIONS.iter().map(|operation| (operation.name.to_owned(), 1_000.0)).collect();
        Aws::new(BTreeMap::from([(self.account.id().to_owned(), config)]), rates)
    }

    pub(crate) fn desired(&self, kind: &str, key: &str, fields: Fields) -> Desired {
        Desired {
            address: Address::new(kind, self.scope.clone(), key),
            fields,
            origin: Origin { label: "runner".to_owned(), place: "test".to_owned() },
            place: Place::Named("test".to_owned()),
            target: None,
            claim: Claim::Own { adopt: false },
            protect: false,
        }
    }

    fn store(&self) -> Store {
        Store::Local(LocalStore::new(self.folder.path().join("payments.json"), PROJECT))
    }

    async fn locked(&self) -> Locked {
        let [who, when, what, id] = ["test", "now", "apply", "1"].map(str::to_owned);
        let owner = LockOwner { who, when, what, id };
        let request = LockRequest {
            owner,
            new_lineage: "lineage".to_owned(),
            timeout: std::time::Duration::from_secs(5),
            take: false,
            may_return: false,
            waiting: &|_| {},
        };
        self.store().lock(request).await.unwrap()
    }

    /// What the state records, by kind and key.
    pub(crate) async fn records(&self) -> Vec<String> {
        let state = self.store().read().await.unwrap();
        let all = state.into_iter().flat_map(|state| state.resources.into_keys());
        all.map(|address| format!("{} {}", address.kind, address.key)).collect()
    }

    pub(crate) async fn plan(&self, desired: &[Desired]) -> Plan {
        let locked = self.locked().await;
        let plan = make_plan(&self.aws().await, locked.state().clone(), desired, &self.scope).await;
        locked.release().await;
        plan
    }

    /// Plans and applies; the plan and how it ended.
    pub(crate) async fn apply(&self, desired: &[Desired]) -> (Plan, Report) {
        let (aws, mut locked) = (self.aws().await, self.locked().await);
        let plan = make_plan(&aws, locked.state().clone(), desired, &self.scope).await;
        assert!(plan.blocking().next().is_none(), "{:?}", plan.changes);
        locked.save().await.unwrap();
        let journal = locked.open_journal().await.unwrap();
        let progress = |event: Event| {
            if let Event::Step { what, .. } = event {
                self.told.lock().unwrap().push(what);
            }
        };
        let run = Apply { aws: &aws, plan: &plan, journal, progress: &progress, wait: true };
        let report = apply(run).await.unwrap();
        locked.fold_journal().await.unwrap();
        locked.release().await;
        (plan, report)
    }

    /// Applies and expects that all of it succeeds.
    pub(crate) async fn apply_all(&self, desired: &[Desired]) -> Vec<String> {
        let (plan, report) = self.apply(desired).await;
        assert!(report.is_complete(), "{:?}", report.failures);
        verbs(&plan)
    }
}

/// Each change as `create lambda_function`, in the plan's order.
pub(crate) fn verbs(plan: &Plan) -> Vec<String> {
    let verb = |verb: Verb| format!("{verb:?}").to_lowercase();
    plan.changes.iter().map(|change| format!("{} {}", verb(change.verb), change.address.kind)).collect()
}

/// The names of the fields that a plan's only change changes.
pub(crate) fn changed(plan: &Plan) -> Vec<&str> {
    assert_eq!(plan.changes.len(), 1, "{:?}", plan.changes);
    plan.changes[0].fields.iter().map(|field| &*field.name).collect()
}

async fn make_plan(aws: &Aws, mut state: State, desired: &[Desired], scope: &Scope) -> Plan {
    let mut actual = read(aws, &state, desired).await;
    state.settle(&actual, std::slice::from_ref(scope), &resources::shared());
    for (address, live) in &mut actual {
        let as_wanted = desired.iter().any(|one| one.address == *address && one.fields == live.fields);
        if live.ownership == Ownership::NotRead && !as_wanted {
            let kind = resources::kind(&address.kind).unwrap();
            let key = &*address.key;
            let owners = kind.owners(aws, &address.scope, &[key], OwnershipNeed::Certain).await.unwrap();
            live.ownership = owners.get(key).cloned().unwrap_or_default();
        }
    }
    let contained = |one: &Desired| Some((one.address.clone(), resources::container(&one.address)?));
    let mut plan = plan(PlanInput {
        project: PROJECT.to_owned(),
        scopes: vec![scope.clone()],
        desired: desired.to_vec(),
        actual,
        owned: state.resources.clone(),
        shared: resources::shared(),
        declared: BTreeSet::from(["runner".to_owned()]),
        containers: desired.iter().filter_map(contained).collect(),
        options: PlanOptions::default(),
        ..PlanInput::default()
    });
    hold(aws, &mut plan).await;
    let estimates = Estimates::new(None, None);
    let mut outlooks: BTreeMap<Address, Outlook> = BTreeMap::new();
    for change in plan.changes.iter().filter(|change| change.verb != Verb::Forget) {
        let Address { kind, scope, .. } = &change.address;
        let question = OutlookQuestion { project: PROJECT, changes: &[change], estimates: &estimates };
        let found = resources::kind(kind).unwrap().outlook(aws, scope, question).await.unwrap();
        outlooks.extend(found.into_values().map(|outlook| (change.address.clone(), outlook)));
    }
    plan.foresee(outlooks);
    plan
}

async fn read(aws: &Aws, state: &State, desired: &[Desired]) -> BTreeMap<Address, Actual> {
    let wanted: BTreeSet<&Address> =
        desired.iter().map(|one| &one.address).chain(state.addresses()).collect();
    let mut actual = BTreeMap::new();
    for address in wanted {
        let record = state.resources.get(address);
        let known = KeyRequest {
            desired: desired.iter().find(|one| one.address == *address).map(|one| &one.fields),
            last_written: record.or(state.unconfirmed.get(address)).map(|owned| &owned.fields),
            ownership: if record.is_some() { OwnershipNeed::None } else { OwnershipNeed::Certain },
            ..KeyRequest::default()
        };
        let request =
            ReadRequest { keys: BTreeMap::from([(&*address.key, known)]), ..ReadRequest::default() };
        let kind = resources::kind(&address.kind).unwrap();
        let found = kind.read(aws, &address.scope, &request).await.unwrap();
        actual.extend(found.into_iter().map(|live| (live.address.clone(), live)));
    }
    actual
}

async fn hold(aws: &Aws, plan: &mut Plan) {
    let deletes = plan.changes.iter().filter(|change| change.verb == Verb::Delete);
    let going: BTreeSet<&Address> = deletes.map(|change| &change.address).collect();
    let mut held = Vec::new();
    for address in &going {
        let kind = resources::kind(&address.kind).unwrap();
        if let Some(why) = kind.held_by(aws, PROJECT, address, &going).await.unwrap() {
            held.push(Held { address: (*address).clone(), why });
        }
    }
    plan.hold(held);
}
