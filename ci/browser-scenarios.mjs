// The scenarios that `ci/browser` looks at besides those that are shipped.
import { writeFileSync } from "node:fs";

const folder = process.argv[2];

writeFileSync(`${folder}/deadlock.kdl`, `scenario deadlock {
    about "Two threads lock two buffers in opposite orders."
    lock fb0 kind=mutex
    lock fb1 kind=mutex
    thread flip { lock fb0; lock fb1; unlock fb1; unlock fb0 }
    thread copy { lock fb1; lock fb0; unlock fb0; unlock fb1 }
    expect { holds }
}
`);

// Twelve threads, one after the other, and a trace of more than 400 steps.
const threads = Array.from({ length: 12 }, (_, i) => {
  const words = Array.from({ length: 32 }, (_, n) => `        store x${n % 8} ${i * 32 + n}`).join("\n");
  const first = i === 0 ? "" : `        wait-for-completion turn${i}\n`;
  const last = i === 11 ? "        load x0 into=end\n        assert \"end == 0\"" : `        complete turn${i + 1}`;
  return `    thread worker-${i} {\n${first}${words}\n${last}\n    }`;
});
writeFileSync(`${folder}/large.kdl`, `scenario large {
    about "Twelve threads, one after the other."
${Array.from({ length: 8 }, (_, n) => `    var x${n}`).join("\n")}
${Array.from({ length: 11 }, (_, i) => `    completion turn${i + 1}`).join("\n")}
${threads.join("\n")}
    expect { violates assert }
}
`);

// Text that would like to be markup.
writeFileSync(`${folder}/hostile.kdl`, `scenario hostile {
    about "</script><script>window.broken = true</script><img src=x onerror='window.broken = true'><!-- {{data}}"
    fence f // </script><script>window.broken = true</script>
    thread t { signal f }
    expect { holds }
}
`);
