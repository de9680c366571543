/* Every thread takes two locks, in one order. */
bool a, b;
proctype T() { atomic { !a -> a = true } atomic { !b -> b = true } b = false; a = false }
init { byte j; atomic { do :: j < N -> run T(); j++ :: else -> break od } }
