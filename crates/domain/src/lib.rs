//! The nouns and protocol rules of Countersign, without I/O.
