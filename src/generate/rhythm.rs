//! The week's rhythm: how busy the company is at each hour, and quieter on Saturdays and Sundays.

use super::options::DAY;

/// Busyness in thousandths of the busiest hour, by hour of a working day (UTC).
const HOURS: [u64; 24] = [
    240, 190, 160, 150, 160, 200, 300, 460, 680, 850, 950, 1000, 980, 960, 990, 1000, 970, 900, 820, 740,
    640, 520, 410, 310,
];

/// Busyness of a weekend day against a working day, in hundredths.
const WEEKEND_PERCENT: u64 = 55;

/// Busyness at `time` (seconds since 1970), in thousandths of the busiest hour, between the hours on a straight line.
pub(super) fn busyness(time: u64) -> u64 {
    let of_day = time % DAY;
    let hour = (of_day / 3600) as usize;
    let (now, next) = (HOURS[hour], HOURS[(hour + 1) % 24]);
    let into = of_day % 3600;
    let level = (now * (3600 - into) + next * into) / 3600;
    if is_weekend(time) { level * WEEKEND_PERCENT / 100 } else { level }
}

/// Whether people are in the office.
pub(super) fn office_hours(time: u64) -> bool {
    !is_weekend(time) && (8..18).contains(&(time % DAY / 3600))
}

/// Whether `time` is on a Saturday or Sunday: 1970-01-01 was a Thursday, day 3 of a week that begins on Monday.
pub(super) fn is_weekend(time: u64) -> bool {
    (time / DAY + 3) % 7 >= 5
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nights_and_weekends_are_quieter_than_a_working_noon() {
        let monday = 1_772_409_600;
        let noon = monday + DAY / 2;
        assert!(busyness(monday + 3 * 3600) * 4 < busyness(noon));
        assert!(busyness(noon + 5 * DAY) * 3 < busyness(noon) * 2);
        assert_eq!(busyness(noon + 7 * DAY), busyness(noon));
        assert!(
            office_hours(noon + 4 * DAY) && !office_hours(noon + 5 * DAY) && !office_hours(noon + 6 * DAY)
        );
    }
}
