//! Medians, and ratios of what was measured side by side.

use std::fmt::Write;

/// What is printed of one figure: a name, and for each subject one value a round.
pub struct Figure {
    pub name: String,
    /// Digits after the point.
    pub digits: usize,
    /// By subject, then by round.
    pub values: Vec<Vec<f64>>,
}

/// The figures as a Markdown table, each value with its ratio to the subject at `base`.
///
/// A ratio is the median of the rounds' ratios, so that a machine whose speed drifts cancels out.
pub fn table(subjects: &[String], base: usize, figures: &[Figure]) -> String {
    let mut table = format!(
        "| | {} |\n|{}\n",
        subjects.join(" | "),
        " --- |".repeat(subjects.len() + 1)
    );
    for Figure {
        name,
        digits,
        values,
    } in figures
    {
        let cells = values.iter().map(|own| {
            let ratios = own.iter().zip(&values[base]).map(|(own, base)| own / base);
            let (value, ratio) = (median(own.iter().copied()), median(ratios));
            format!("{value:.digits$} ({ratio:.2}×)")
        });
        let cells = cells.collect::<Vec<_>>().join(" | ");
        writeln!(table, "| {name} | {cells} |").expect("a String takes all");
    }
    table
}

/// The middle of `values`; no number where there is none.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    percentile(values, 50)
}

/// The value that `per_cent` of 100 `values` are not above.
pub fn percentile(values: impl IntoIterator<Item = f64>, per_cent: usize) -> f64 {
    let mut values: Vec<_> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let at = values.len().saturating_sub(1) * per_cent / 100;
    values.get(at).copied().unwrap_or(f64::NAN)
}
