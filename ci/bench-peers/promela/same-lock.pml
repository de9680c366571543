/* Every thread counts under one lock. */
bool held; byte x;
proctype T() { byte v; atomic { !held -> held = true } v = x; x = v + 1; held = false }
init { byte j; atomic { do :: j < N -> run T(); j++ :: else -> break od } }
