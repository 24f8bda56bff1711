use super::*;
use crate::resources::instance_storage::simulated::moment;

fn instance(power: Power, started: i64) -> Instance {
    Instance {
        id: "i-1".to_owned(),
        power,
        started: moment(started),
        root_device: "/dev/xvda".to_owned(),
        why: None,
    }
}

async fn pass(seconds: u64) {
    tokio::time::advance(Duration::from_secs(seconds)).await;
}

fn stop() -> Vec<Step> {
    vec![Step::Stop]
}

#[tokio::test(start_paused = true)]
async fn a_call_that_shows_no_effect_is_made_again_more_and_more_rarely_and_not_for_ever() {
    let mut taken = Taken::default();
    assert_eq!(taken.timely(stop()), Timely::Now(stop()));
    taken.note(&Step::Stop);
    assert_eq!(taken.timely(stop()), Timely::Now(Vec::new()));
    let mut calls = 0;
    for _ in 0..2 * HEALS_WITHIN.as_secs() {
        pass(1).await;
        match taken.timely(stop()) {
            Timely::Now(steps) if steps.is_empty() => {}
            Timely::Now(_) => {
                taken.note(&Step::Stop);
                calls += 1;
            }
            Timely::InVain(step) => {
                assert_eq!(step, Step::Stop);
                assert!((20..40).contains(&calls), "{calls}");
                return;
            }
        }
    }
    panic!("it goes on for ever");
}

#[tokio::test(start_paused = true)]
async fn other_calls_are_not_held_back() {
    let mut taken = Taken::default();
    taken.note(&Step::Stop);
    let detach = Step::Detach { volume: "vol-1".to_owned() };
    assert_eq!(taken.timely(vec![Step::Stop, detach.clone()]), Timely::Now(vec![detach]));
    // The same, hours later, is a new one.
    pass(4 * 3600).await;
    assert_eq!(taken.timely(stop()), Timely::Now(stop()));
    taken.note(&Step::Stop);
    pass(2).await;
    assert_eq!(taken.timely(stop()), Timely::Now(stop()));
}

#[tokio::test(start_paused = true)]
async fn surprises_are_borne_for_minutes() {
    let mut surprises = Surprises::default();
    assert!(!surprises.rests());
    assert!(!surprises.one_more() && surprises.rests());
    for _ in 0..19 {
        pass(31).await;
        assert!(!surprises.rests() && !surprises.one_more());
    }
    pass(31).await;
    assert!(surprises.one_more());
}

#[tokio::test(start_paused = true)]
async fn an_instance_fell_back_when_it_was_on_its_way_and_is_stopped() {
    let mut start = Start::new(moment(0));
    for _ in 0..60 {
        assert!(!start.fell_back(&instance(Power::Stopped, 0)), "shown as it was before");
        pass(1).await;
    }
    assert!(!start.fell_back(&instance(Power::Pending, 90)));
    // An old answer in between.
    assert!(!start.fell_back(&instance(Power::Stopped, 0)));
    assert!(!start.fell_back(&instance(Power::Running, 90)));
    assert!(!start.fell_back(&instance(Power::Stopped, 90)));
    pass(5).await;
    assert!(start.fell_back(&instance(Power::Stopped, 90)));
}

#[tokio::test(start_paused = true)]
async fn a_start_that_never_shows_is_over_after_minutes() {
    let mut start = Start::new(moment(0));
    assert!(!start.fell_back(&instance(Power::Stopped, 0)));
    pass(170).await;
    assert!(!start.fell_back(&instance(Power::Stopped, 0)));
    pass(11).await;
    assert!(start.fell_back(&instance(Power::Stopped, 0)));
}

#[tokio::test(start_paused = true)]
async fn waiting_is_told_when_it_gets_on_and_every_few_minutes() {
    let mut told = Told::default();
    let mut tell = |words: &str| told.is_new(words);
    assert!(tell("snap-1 of vol-1 (0%); snap-2 of vol-2 (0%)"));
    assert!(!tell("snap-1 of vol-1 (9%); snap-2 of vol-2 (0%)"));
    assert!(tell("snap-1 of vol-1 (9%); snap-2 of vol-2 (10%)"));
    assert!(!tell("snap-1 of vol-1 (18%); snap-2 of vol-2 (19%)"));
    assert!(tell("snap-2 of vol-2 (19%)"));
    pass(299).await;
    assert!(!tell("snap-2 of vol-2 (19%)"));
    pass(1).await;
    assert!(tell("snap-2 of vol-2 (19%)"));
    assert!(tell("the instance to stop"));
}
