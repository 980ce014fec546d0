import { existsSync, readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { holdFolder, keepSecret, replaceSecret } from './data-dir.ts'
import { SmallDisk, smallDisksMissing } from './testing/small-disk.ts'

let disk: SmallDisk | undefined
afterAll(() => disk?.remove())

it.skipIf(smallDisksMissing())(
  'R-START-10 a full disk: the data folder and its secrets say so and what to do, and keep what they had',
  async () => {
    disk = new SmallDisk(4)
    const dataDir = join(disk.folder, 'data')
    const letGo = holdFolder(dataDir, 'data folder')
    await replaceSecret(dataDir, 'word', 'the former')
    letGo()
    await disk.fill()
    const cure = 'the disk is full: make room, or set TELLTALE_DATA_DIR to another folder'
    expect(() => holdFolder(dataDir, 'data folder')).toThrow(
      `cannot write to the data folder ${dataDir} (ENOSPC); ${cure}`,
    )
    await expect(replaceSecret(dataDir, 'word', 'the next')).rejects.toThrow(
      `cannot write ${join(dataDir, 'word')} (ENOSPC); ${cure}`,
    )
    expect(await readFile(join(dataDir, 'word'), 'utf8')).toBe('the former\n')
    await expect(keepSecret(dataDir, 'another', () => 'new')).rejects.toThrow('(ENOSPC)')
    expect(existsSync(join(dataDir, 'another'))).toBe(false)
    await disk.free()
    const letGoAgain = holdFolder(dataDir, 'data folder')
    expect(await keepSecret(dataDir, 'another', () => 'new')).toBe('new')
    letGoAgain()
    expect(readdirSync(dataDir).sort()).toEqual(['another', 'word'])
  },
)
