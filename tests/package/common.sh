# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What the tests in this folder share: the installed tree, the examples, and what their output must be.
# From CMakeLists.txt: SOURCE BUILD VERSION LIBDIR WORK CMAKE CC CXX (empty without one) NM PKG_CONFIG CHECKPOINT PROGRAM.
set -eu

# A space in the path on purpose.
prefix="$WORK/installed here"
PKG_CONFIG_PATH="$prefix/$LIBDIR/pkgconfig"
LD_LIBRARY_PATH="$prefix/$LIBDIR${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export PKG_CONFIG_PATH LD_LIBRARY_PATH
CXX=${CXX:-}

strict='-Wall -Wextra -pedantic -Werror'
c_examples='1-rosenbrock.c 4-minimize.c 5-mixed-precision.c 6-sparse-rows.c 7-schedule-average.c 8-static-memory.c
9-presets.c 10-half-the-state.c 11-hidden-rate.c'
[ "$CHECKPOINT" = 0 ] || c_examples="$c_examples 2-optimizer-object.c"
cxx_example=3-cplusplus.cpp

fail()
{
    echo "FAILED: $*" >&2
    exit 1
}

# check_1_rosenbrock etc.: whether a file holds what the example must print.

# The published rows are config 1 (rho 0.95, eps 1e-6), to 12 decimals; then it must come near the minimum, (1, 1).
check_1_rosenbrock()
{
    awk -F, '
        function off(a, b) { return a > b ? a - b : b - a }
        NR == FNR { if ($1 == "1") { x[$2] = $3; y[$2] = $4; rows++ } next }
        $1 in x { if (!(off($2, x[$1]) <= 1e-11 && off($3, y[$1]) <= 1e-11)) { print "step " $1 " differs: " $0; bad = 1 } seen++ }
        { last_x = $2; last_y = $3 }
        END { exit !(rows == 100 && seen == 100 && !bad && off(last_x, 1) < 0.05 && off(last_y, 1) < 0.05) }
    ' "$SOURCE/tests/golden/rosenbrock_f64.csv" "$1"
}

# The numbers are those of the line that it fits.
check_2_optimizer_object()
{
    printf 'weights 2.00 -3.00 offset 0.50\nresumed: the same bits\n' | diff - "$1"
}

# (1 + 3 + 5)/3 and (1 + 4 - 2)/3.
check_3_cplusplus()
{
    printf '3.00 1.00 after 5000 steps\nrefused: rho must be at least 0 and below 1\n' | diff - "$1"
}

# The minimum of Rosenbrock's function.
check_4_minimize()
{
    printf '1.0000 1.0000: every component of the gradient is below gradient_tolerance\n' | diff - "$1"
}

# Two arrays of a million floats, or of 16 bits. Noise of 1e-3 in the state is one of 5e-4 in steps of some 1e-3.
check_10_half_the_state()
{
    printf '%s\n' 'bytes of state: 8388608 and 4194304' 'parameters differ by less than a thousandth: yes' \
        'converted: 4194304 bytes, E[g^2] as before to a thousandth: yes' 'and on' | diff - "$1"
}

# The numbers are those of the line that it fits; one gradient was made infinite. Rounding to nearest gets stuck before.
check_5_mixed_precision()
{
    for way in master split stochastic; do
        grep -qx "$way: 2.00 -3.00 0.50, 1 step skipped" "$1" || return 1
    done
    grep -q '^nearest: .*, 1 step skipped$' "$1" && ! grep -q '^nearest: 2.00 -3.00 0.50' "$1"
}

# The sentences' labels, and the words that stand in them.
check_6_sparse_rows()
{
    printf 'praise complaint praise complaint \n5 weights of 1000000 have moved\n' | diff - "$1"
}

check_7_schedule_average()
{
    grep -qx 'tail ends nearer: yes' "$1" && grep -qx 'the average is nearer: yes' "$1" &&
        grep -q '^effective rates .* after 12000 steps$' "$1"
}

check_8_static_memory()
{
    printf '3.00 -1.00 in less than 8 KiB\n' | diff - "$1"
}

# The paper's rule once more, with two roots, for each preset's settings.
check_9_presets()
{
    awk '
        function step(rho, eps, lr) {
            v = rho * v + (1 - rho) * x * x
            d = sqrt(u + eps) / sqrt(v + eps) * x
            u = rho * u + (1 - rho) * d * d
            x -= lr * d
        }
        {
            sub(/:/, "", $7)
            x = 1; v = u = 0
            for (i = 0; i < 100; i++) step($5, $7, $3)
            off = x - $NF
            if (off > 1e-6 || off < -1e-6) { print $0 " should be " x; bad = 1 }
            rows++
        }
        END { exit !(rows == 6 && !bad) }
    ' "$1"
}

# The gain of gradients whose size is constant by its closed form (docs/math.md), to what the default eps takes off it;
# medians of noise from the table there. Steps in proportion to the root of the eps above, 10 from column to column.
check_11_hidden_rate()
{
    awk -F, '
        function near(a, b, room) { return a > b * (1 - room) && a < b * (1 + room) }
        NR == 1 { good = $0 == "step,constant,random sign,Gaussian noise,heavy tails,sparse,sqrt(22.5 + 0.05 step)"; next }
        {
            while (t < $1) { t++; power = 0.95 ^ (t + 1); sum += 1 / (1 - power) }
            if (!near($2, sqrt((1 - power) * (20 + 0.05 * sum)), 2e-3) || $3 != $2) { print "gain: " $0; good = 0 }
            if (t > 100 && !near($7, $2, 5e-3)) { print "law: " $0; good = 0 }
            if (t > 1000 && !(near($4, 3.60, 0.15) && near($5, 2.38, 0.2) && near($6, 1.44, 0.2))) { print "noise: " $0; good = 0 }
        }
        END { exit !(good && t == 100000) }
    ' "$1" || return 1
    "${1%.out}" steps >"$1.steps" && awk -F, '
        NR > 1 { for (i = 3; i <= 5; i++) if (!($i > $(i - 1) * 9.9999 && $i < $(i - 1) * 10.0001)) { print; bad = 1 } }
        { last = $1 }
        END { exit !(last == 100000 && !bad) }
    ' "$1.steps"
}

# The minimum of the function that the header's and the README's example minimise.
check_header_example()
{
    printf '3.000 -1.000\n' | diff - "$1"
}

check_readme_example()
{
    check_header_example "$1"
}

# Runs a program and checks what it prints. run_example PROGRAM SOURCE-FILE
run_example()
{
    name=$(basename "$2" | sed 's/\.[a-z]*$//; s/[^A-Za-z0-9]/_/g')
    (cd "$(dirname "$1")" && "$1" >"$1.out") || fail "$1 does not run"
    "check_$name" "$1.out" || fail "$2: wrong output, see $1.out"
    echo "$1: right"
}

# The example in the header's first comment, as a file of its own.
header_example()
{
    awk '/^ \*     #include <adadelta.h>/ { on = 1 } /^ \*\// { on = 0 } on { sub(/^ \* ?/, ""); sub(/^    /, ""); print }' \
        "$SOURCE/include/adadelta.h"
}

# The README's first piece of C that is a whole program.
readme_example()
{
    awk '/^```c$/ { on = 1; text = ""; next }
         /^```/ { if (on && text ~ /int main/) { printf "%s", text; exit } on = 0 }
         on { text = text $0 "\n" }' "$SOURCE/README.md"
}

# A fresh folder for a test's files.
fresh_folder()
{
    rm -rf "${WORK:?}/$1"
    mkdir -p "$WORK/$1"
}
