;; The two passes of a resize, of bytes with weights of 16 bits (resample.ts lays the memory out). An instruction multiplies eight numbers and adds them
;; up in pairs; weights come as pairs, too. Both read some bytes beyond what they need, which weigh nothing.
(module
  (memory (export "memory") 0)

  ;; Sums, with a half added, to bytes: shifted, and clamped twice.
  (func $bytes (param $a v128) (param $b v128) (param $c v128) (param $d v128) (param $bits i32) (result v128)
    (i8x16.narrow_i16x8_u
      (i16x8.narrow_i32x4_s (i32x4.shr_s (local.get $a) (local.get $bits)) (i32x4.shr_s (local.get $b) (local.get $bits)))
      (i16x8.narrow_i32x4_s (i32x4.shr_s (local.get $c) (local.get $bits)) (i32x4.shr_s (local.get $d) (local.get $bits)))))

  (func $half (param $bits i32) (result v128)
    (i32x4.splat (i32.shl (i32.const 1) (i32.sub (local.get $bits) (i32.const 1)))))

  ;; Each row of pixels becomes one of `to` pixels. source: rows `stride` bytes apart. begins: int32[to], a pixel's first tap. weights: int16[to, taps],
  ;; taps a multiple of 4. into: rows `step` bytes apart, which have four bytes more than their pixels.
  (func (export "columns") (param $source i32) (param $stride i32) (param $rows i32) (param $begins i32) (param $weights i32) (param $taps i32)
    (param $to i32) (param $bits i32) (param $into i32) (param $step i32)
    (local $column i32) (local $at i32) (local $out i32) (local $weight i32) (local $end i32) (local $pixels v128) (local $sum v128)
    (block $done
      (loop $row
        (br_if $done (i32.eqz (local.get $rows)))
        (local.set $column (i32.const 0))
        (local.set $out (local.get $into))
        (local.set $weight (local.get $weights))
        (loop $pixel
          (local.set $at
            (i32.add (local.get $source)
              (i32.mul (i32.const 3) (i32.load (i32.add (local.get $begins) (i32.shl (local.get $column) (i32.const 2)))))))
          (local.set $sum (call $half (local.get $bits)))
          (local.set $end (i32.add (local.get $weight) (i32.shl (local.get $taps) (i32.const 1))))
          (loop $tap
            (local.set $pixels (v128.load (local.get $at)))
            ;; Of two pixels the reds, greens and blues side by side, as 16 bits; then of the next two.
            (local.set $sum
              (i32x4.add (local.get $sum)
                (i32x4.dot_i16x8_s
                  (i8x16.shuffle 0 16 3 16 1 16 4 16 2 16 5 16 16 16 16 16 (local.get $pixels) (v128.const i32x4 0 0 0 0))
                  (v128.load32_splat (local.get $weight)))))
            (local.set $sum
              (i32x4.add (local.get $sum)
                (i32x4.dot_i16x8_s
                  (i8x16.shuffle 6 16 9 16 7 16 10 16 8 16 11 16 16 16 16 16 (local.get $pixels) (v128.const i32x4 0 0 0 0))
                  (v128.load32_splat offset=4 (local.get $weight)))))
            (local.set $at (i32.add (local.get $at) (i32.const 12)))
            (local.set $weight (i32.add (local.get $weight) (i32.const 8)))
            (br_if $tap (i32.lt_u (local.get $weight) (local.get $end))))
          (i32.store (local.get $out)
            (i32x4.extract_lane 0
              (call $bytes (local.get $sum) (local.get $sum) (local.get $sum) (local.get $sum) (local.get $bits))))
          (local.set $out (i32.add (local.get $out) (i32.const 3)))
          (local.set $column (i32.add (local.get $column) (i32.const 1)))
          (br_if $pixel (i32.lt_u (local.get $column) (local.get $to))))
        (local.set $source (i32.add (local.get $source) (local.get $stride)))
        (local.set $into (i32.add (local.get $into) (local.get $step)))
        (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
        (br $row))))

  ;; Rows become `to` rows. source and into: rows `stride` bytes apart, a multiple of 16. taps: a multiple of 2. The others are as above.
  (func (export "rows") (param $source i32) (param $stride i32) (param $begins i32) (param $weights i32) (param $taps i32)
    (param $to i32) (param $bits i32) (param $into i32)
    (local $row i32) (local $first i32) (local $at i32) (local $i i32) (local $weight i32) (local $end i32)
    (local $one v128) (local $two v128) (local $low v128) (local $high v128) (local $pair v128)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (loop $each
      (local.set $first
        (i32.add (local.get $source)
          (i32.mul (local.get $stride) (i32.load (i32.add (local.get $begins) (i32.shl (local.get $row) (i32.const 2)))))))
      (local.set $i (i32.const 0))
      (loop $part
        (local.set $at (i32.add (local.get $first) (local.get $i)))
        (local.set $weight (local.get $weights))
        (local.set $end (i32.add (local.get $weight) (i32.shl (local.get $taps) (i32.const 1))))
        (local.set $a (call $half (local.get $bits)))
        (local.set $b (local.get $a))
        (local.set $c (local.get $a))
        (local.set $d (local.get $a))
        (loop $tap
          (local.set $one (v128.load (local.get $at)))
          (local.set $two (v128.load (i32.add (local.get $at) (local.get $stride))))
          (local.set $low (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $one) (local.get $two)))
          (local.set $high (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 (local.get $one) (local.get $two)))
          (local.set $pair (v128.load32_splat (local.get $weight)))
          (local.set $a (i32x4.add (local.get $a) (i32x4.dot_i16x8_s (i16x8.extend_low_i8x16_u (local.get $low)) (local.get $pair))))
          (local.set $b (i32x4.add (local.get $b) (i32x4.dot_i16x8_s (i16x8.extend_high_i8x16_u (local.get $low)) (local.get $pair))))
          (local.set $c (i32x4.add (local.get $c) (i32x4.dot_i16x8_s (i16x8.extend_low_i8x16_u (local.get $high)) (local.get $pair))))
          (local.set $d (i32x4.add (local.get $d) (i32x4.dot_i16x8_s (i16x8.extend_high_i8x16_u (local.get $high)) (local.get $pair))))
          (local.set $at (i32.add (local.get $at) (i32.shl (local.get $stride) (i32.const 1))))
          (local.set $weight (i32.add (local.get $weight) (i32.const 4)))
          (br_if $tap (i32.lt_u (local.get $weight) (local.get $end))))
        (v128.store (i32.add (local.get $into) (local.get $i))
          (call $bytes (local.get $a) (local.get $b) (local.get $c) (local.get $d) (local.get $bits)))
        (local.set $i (i32.add (local.get $i) (i32.const 16)))
        (br_if $part (i32.lt_u (local.get $i) (local.get $stride))))
      (local.set $into (i32.add (local.get $into) (local.get $stride)))
      (local.set $weights (local.get $end))
      (local.set $row (i32.add (local.get $row) (i32.const 1)))
      (br_if $each (i32.lt_u (local.get $row) (local.get $to))))))
