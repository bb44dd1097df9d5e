/** Rules for the code of agents, for oxlint (`jsPlugins`) and ESLint. JavaScript, because linters load it as it stands, on Node 20 too. */

const SDK = '@soma/sdk'
const CLIENTS = '@soma/sdk/clients'
const DEFINERS = new Set(['defineAgent', 'defineChoreographyPlanner', 'definePlanner', 'defineTool', 'defineWorker'])

const specifierOf = ({ type, source, arguments: given }) => {
  const node = type === 'CallExpression' ? given[0] : source
  return node?.type === 'Literal' ? node.value : undefined
}

const isDefiner = ({ type, imported }) =>
  type === 'ImportNamespaceSpecifier' || (type === 'ImportSpecifier' && DEFINERS.has(imported.name ?? imported.value))

/**
 * A file that defines an agent imports no client: what a client does is not done in the name of the event in hand, knows no user, session, plan or task, and is not
 * repeated safely.
 */
const noClientsInAgents = {
  meta: {
    type: 'problem',
    docs: { description: 'Agents reach the platform through their context, never through clients.' },
    messages: {
      clients: `This file defines an agent, so it may not import ${CLIENTS}: use what the handler's context offers.`,
    },
    schema: [],
  },
  create(context) {
    const found = []
    let definesAgent = false
    const look = (node) => {
      if (specifierOf(node) === CLIENTS && (node.importKind ?? node.exportKind) !== 'type') found.push(node)
    }
    return {
      ImportDeclaration(node) {
        look(node)
        if (specifierOf(node) === SDK && node.importKind !== 'type') definesAgent ||= node.specifiers.some(isDefiner)
      },
      ExportNamedDeclaration: look,
      ExportAllDeclaration: look,
      ImportExpression: look,
      CallExpression(node) {
        if (node.callee.type === 'Identifier' && node.callee.name === 'require') look(node)
      },
      'Program:exit'() {
        if (definesAgent) for (const node of found) context.report({ node, messageId: 'clients' })
      },
    }
  },
}

const plugin = {
  meta: { name: 'soma' },
  rules: { 'no-clients-in-agents': noClientsInAgents },
}

export default plugin
