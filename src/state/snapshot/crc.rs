//! CRC-32C (Castagnoli), as RFC 3720 (appendix B.4) has it: of all 32-bit sums that are in use, the one that finds most of
//! what breaks in blocks of this length, and the one that object stores know.

/// Reflected polynomial 0x1EDC6F41.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// Eight tables, so that eight bytes go in at once: the n-th is of a byte with n bytes after it.
static TABLES: [[u32; 256]; 8] = tables();

const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut sum = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            sum = (sum >> 1) ^ (POLYNOMIAL * (sum & 1));
            bit += 1;
        }
        tables[0][byte] = sum;
        byte += 1;
    }
    let mut after = 1;
    while after < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[after - 1][byte];
            tables[after][byte] = (before >> 8) ^ tables[0][(before & 0xff) as usize];
            byte += 1;
        }
        after += 1;
    }
    tables
}

/// The sum of `pieces`, one after the other.
pub(super) fn crc32c(pieces: &[&[u8]]) -> u32 {
    !pieces.iter().fold(u32::MAX, |sum, piece| add(sum, piece))
}

fn add(mut sum: u32, bytes: &[u8]) -> u32 {
    let (eights, rest) = bytes.as_chunks::<8>();
    for eight in eights {
        let wide = u64::from_le_bytes(*eight) ^ u64::from(sum);
        let each = TABLES.iter().rev().zip(wide.to_le_bytes());
        sum = each.fold(0, |sum, (table, byte)| sum ^ table[usize::from(byte)]);
    }
    rest.iter().fold(sum, |sum, byte| (sum >> 8) ^ TABLES[0][usize::from(sum as u8 ^ byte)])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3720, appendix B.4, and the check value of the catalogue of CRCs.
    #[test]
    fn the_sums_are_those_of_the_standard() {
        let up: Vec<u8> = (0..32).collect();
        let down: Vec<u8> = (0..32).rev().collect();
        for (bytes, sum) in [
            (&[0; 32][..], 0x8a91_36aa),
            (&[0xff; 32], 0x62a8_ab43),
            (&up, 0x46dd_794e),
            (&down, 0x113f_db5c),
            (b"123456789", 0xe306_9283),
        ] {
            assert_eq!(crc32c(&[bytes]), sum);
            for cut in 0..bytes.len() {
                assert_eq!(crc32c(&[&bytes[..cut], &bytes[cut..]]), sum);
            }
        }
    }
}
