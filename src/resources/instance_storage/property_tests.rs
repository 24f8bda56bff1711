//! Whatever happens, nothing is lost, and in the end it is as wanted.

use proptest::prelude::*;

use super::decide::Memory;
use super::runs::{PARKED, RUNNING, Run, accident};

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_accident_loses_anything(
        volumes in 1..4usize,
        parked in any::<bool>(),
        accidents in proptest::collection::vec(accident(), 0..60),
    ) {
        let mut run = Run::new(volumes, PARKED);
        if !parked {
            run.finish();
            run.goal = RUNNING;
            run.memory = Memory::default();
        }
        for accident in accidents {
            run.meet(accident);
        }
        run.finish();
        run.expect_goal(volumes);
        run.goal.parked = !run.goal.parked;
        run.finish();
        run.expect_goal(volumes);
    }
}
