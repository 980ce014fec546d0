import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Data folders of the programs that tests start; removed when the run ends. */
export const testFolder = join(tmpdir(), `telltale-test-${process.env.TELLTALE_TEST_RUN ?? process.pid}`)
