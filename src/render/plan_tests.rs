//! The same plans through all three renderers.

use super::fixtures::*;
use super::*;

#[test]
fn print_all() {
    let color = std::env::var("SHOW_COLOR").is_ok();
    for (name, plan) in all_plans() {
        println!("================ {name}");
        let width = std::env::var("SHOW_WIDTH").ok().and_then(|w| w.parse().ok());
        let v = PlanView {
            palette: Palette { color, width },
            ..view(Detail::Folded)
        };
        println!("{}", plan_text(&plan, &v));
    }
}
