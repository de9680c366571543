/* Each thread counts one place up from the one below it, one looks for the last zero. Folded as our steps are. */
byte a[N];
proctype T(byte i) {
    byte v;
    v = a[i - 1];
    a[i] = v + 1;
end:
    false
}
proctype Last() {
    byte i = N - 1; byte v;
    do :: atomic { v = a[i]; if :: v == 0 -> goto end :: else -> i-- fi } od;
end:
    false
}
init { byte j; atomic { run Last(); j = 1; do :: j < N -> run T(j); j++ :: else -> break od } }
