/* Every thread counts under one lock. Folded as our steps are. */
bool held; byte x;
proctype T() {
    byte v;
    atomic { !held -> held = true }
    v = x;
    x = v + 1;
    held = false;
end:
    false
}
init { byte j; atomic { do :: j < N -> run T(); j++ :: else -> break od } }
