//! Quantities as Kubernetes writes them: `500m`, `1Gi`, `2`, `1e3`.
//!
//! Source: `resource.Quantity` of k8s.io/apimachinery.

/// The number that it stands for; nothing where it is none.
pub(super) fn quantity(text: &str) -> Option<f64> {
    const UNITS: [(&str, f64); 15] = [
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("Pi", 1_125_899_906_842_624.0),
        ("Ei", 1_152_921_504_606_846_976.0),
        ("n", 1e-9),
        ("u", 1e-6),
        ("m", 1e-3),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("P", 1e15),
        ("E", 1e18),
    ];
    let text = text.trim();
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
    if let Some(number) = number(text) {
        return Some(number);
    }
    let (unit, factor) = UNITS.iter().find(|(unit, _)| text.ends_with(unit))?;
    Some(number(text.strip_suffix(unit)?)? * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_is_read_whichever_unit_it_has() {
        let table =
            [("2", 2.0), ("500m", 0.5), ("1Gi", 1_073_741_824.0), ("1e3", 1000.0), ("2E", 2e18), ("3k", 3000.0)];
        for (text, number) in table {
            assert_eq!(quantity(text), Some(number), "{text}");
        }
        assert_eq!(["", "x", "1Xi", "m"].map(quantity), [None; 4]);
    }
}
