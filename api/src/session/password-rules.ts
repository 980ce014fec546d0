import { limits } from '@telltale/infra/limits'

const { passwordCharsMin, passwordCharsMax } = limits.people

/**
 * What the most common passwords come down to without digits and signs (`Password123!` → `password`). NIST SP 800-63B
 * asks for a list of what is guessed first, with the service's own name in it, and for no rules of composition.
 */
const COMMON = new Set(
  [
    'password passwort motdepasse contrasena senha parola wachtwoord passw passwordpassword mypassword',
    'qwerty qwertz azerty qwertyuiop qwertzuiop azertyuiop asdfghjkl zxcvbnm qazwsx qazwsxedc qwerasdf',
    'abcdef abcdefgh abcdefghij abcdefghijk iloveyou letmein letmeinnow welcome welcomehome sunshine',
    'princess football baseball basketball superman batman dragon monkey master shadow charlie trustno',
    'admin administrator adminadmin root superuser user guest operator viewer test testing testtest',
    'changeme changeit default secret topsecret nopassword whatever computer internet login telltale',
  ].flatMap((line) => line.split(' ')),
)

/** What is wrong with it, to read beside its field; undefined when it will do. */
export function passwordProblem(password: string, username: string): string | undefined {
  const length = [...password].length
  if (length < passwordCharsMin)
    return `needs at least ${passwordCharsMin} characters and has ${length}; a few words in a row are easy to keep`
  if (length > passwordCharsMax) return `has more than ${passwordCharsMax} characters`
  const said = lettersOf(password)
  const isMostlyLetters = said.length * 3 >= length
  if (password.toLowerCase() === username.toLowerCase() || (isMostlyLetters && said === lettersOf(username)))
    return 'is the user name, which is tried first'
  if ((isMostlyLetters && COMMON.has(said)) || isRun(password))
    return 'is one of the passwords that are tried first'
  return undefined
}

function lettersOf(text: string): string {
  return text.toLowerCase().replace(/[^\p{L}]/gu, '')
}

/** One character over and over, or each the next of the one before: `1111111111`, `0123456789`, `9876543210`. */
function isRun(text: string): boolean {
  const codes = [...text].map((character) => character.codePointAt(0) ?? 0)
  const steps = new Set(codes.slice(1).map((code, i) => code - (codes[i] ?? 0)))
  // `1234567890` turns back to 0 once.
  steps.delete(-9)
  return steps.size <= 1 && [0, 1, -1].includes([...steps][0] ?? 0)
}
