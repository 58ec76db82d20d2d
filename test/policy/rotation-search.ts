import type { RotationPlan } from '../../operator/policy/rotation.ts';
import { forgiven, judgeState, judgeStep } from './rotation-judge.ts';
import { LIFE, type Planner, viewOf, type World } from './rotation-model.ts';
import { disturbances, later, type Move, perform, rolloutMoves } from './rotation-moves.ts';
import { peacefully, settle } from './rotation-peace.ts';
import { beginnings, keyOf } from './rotation-worlds.ts';

const MINUTE = 60_000;
/** Time passes by these steps, in minutes, and to whenever the operator looks again. */
const QUANTA = [4, 20];
/** Steps of anybody in a rotation that nothing comes between are fewer. */
const LONGEST_ROTATION = 30;

/** How a search ended. */
export interface Finding {
  /** Different states visited. */
  readonly states: number;
  /** Moves tried. */
  readonly moves: number;
  /** The longest way to a state in sync, in steps, from any state. */
  readonly longestWay: number;
  /** What is broken, and the shortest way there. */
  readonly broken: { readonly what: string; readonly story: readonly string[] } | undefined;
}

/** How far a search goes, and which planner it tries. */
export interface SearchOptions {
  readonly planner: Planner;
  /** Moves from a beginning. */
  readonly depth: number;
  /** Disturbances among them. */
  readonly trouble: number;
}

interface Node extends Move {
  readonly from: Node | undefined;
}

function storyOf(node: Node): readonly string[] {
  return node.from === undefined ? [node.name] : [...storyOf(node.from), node.name];
}

/** A rotation from its tick to its end when nothing comes between, as nodes. */
function rotation(beginning: World, planner: Planner): readonly Node[] {
  const nodes: Node[] = [];
  let node: Node | undefined = {
    world: beginning,
    name: `a policy in sync: ${JSON.stringify(beginning)}`,
    from: undefined,
  };
  while (node !== undefined && nodes.length < LONGEST_ROTATION) {
    nodes.push(node);
    const { step } = planner(viewOf(node.world));
    const world: World | undefined = step.kind === 'Nothing' ? undefined : peacefully(node.world, planner);
    node = world && { world, name: `then: ${JSON.stringify(step)}`, from: node };
  }
  return nodes;
}

/** Everything that can happen next in a state. */
function movesOf(world: World, { step, lookAgainAt }: RotationPlan): readonly Move[] {
  const wait = lookAgainAt === undefined ? 0 : Math.ceil(lookAgainAt / MINUTE) - world.now;
  const quanta = wait > 0 && wait <= 2 * LIFE ? [...QUANTA, wait] : QUANTA;
  const rests = step.kind === 'Nothing' || step.kind === 'AwaitOverlap';
  return [
    { name: `the operator: ${JSON.stringify(step)}`, world: perform(world, step) },
    ...(world.proof === undefined
      ? []
      : [{ name: 'the operator crashes', world: { ...world, proof: undefined } }]),
    ...rolloutMoves(world),
    ...[...new Set(quanta)].map(minutes => ({
      name: `${minutes} minutes pass`,
      world: later(world, minutes, rests && minutes <= wait),
    })),
    ...disturbances(world),
  ];
}

/** Visits every state that can be reached, the nearest first, and judges each; ends at the first that is wrong. */
export function search({ planner, depth, trouble }: SearchOptions): Finding {
  const known = new Map<string, number>();
  const visited = new Set<string>();
  const tally = { moves: 0, longestWay: 0 };
  let frontier: readonly Node[] = beginnings(trouble).flatMap(world => rotation(world, planner));

  /** What is wrong with a state that was not visited yet; otherwise what can follow it. */
  const visit = (node: Node): string | readonly Node[] => {
    const { world } = node;
    const plan = planner(viewOf(world));
    const way = settle(world, planner, known);
    const wrong = judgeState(world, planner, plan.step) ?? judgeStep(world, plan.step);
    if (wrong !== undefined) return wrong;
    if (typeof way === 'string') return way;
    tally.longestWay = Math.max(tally.longestWay, way);
    return movesOf(world, plan).map(move => ({ ...move, world: forgiven(move.world), from: node }));
  };
  const isNew = ({ world }: Node) => {
    tally.moves += 1;
    const before = visited.size;
    return visited.add(keyOf(world)).size > before;
  };

  for (let level = 0; level <= depth && frontier.length > 0; level += 1) {
    const next: Node[] = [];
    for (const node of frontier) {
      const result = visit(node);
      if (typeof result === 'string') {
        const story = [...storyOf(node), `then: ${JSON.stringify(planner(viewOf(node.world)).step)}`];
        return { states: visited.size, ...tally, broken: { what: result, story } };
      }
      if (level < depth) next.push(...result.filter(isNew));
    }
    frontier = next;
  }
  return { states: visited.size, ...tally, broken: undefined };
}
