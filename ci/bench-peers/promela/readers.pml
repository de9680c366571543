/* One writer, the others read the same word. Folded as our steps are. */
byte x; byte seen[N];
proctype Writer() {
    x = 1;
end:
    false
}
proctype Reader(byte i) {
    seen[i] = x;
end:
    false
}
init { byte j; atomic { run Writer(); j = 1; do :: j < N -> run Reader(j); j++ :: else -> break od } }
