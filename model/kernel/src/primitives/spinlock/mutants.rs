//! Mistakes of spinlock that can be built in.

use crate::ground::mutation::mutants;

mutants! { "spinlock"
    LockNothing "spin-lock-nothing" in "spin_lock()" "goes on without the lock";
    TryLockFails "spin-trylock-fails" in "spin_trylock()" "always fails";
    UnlockNothing "spin-unlock-nothing" in "spin_unlock()" "does not release";
    IrqsaveLeavesOn "spin-irqsave-leaves-on" in "spin_lock_irqsave()" "interrupts stay on";
    IrqrestoreLeavesOff "spin-irqrestore-leaves-off" in "spin_unlock_irqrestore()" "interrupts stay off";
}
