"""Agents of the Soma platform: they survive a crash, answer once and keep their state."""

from soma.context.delegation import GroupView, Spec
from soma.context.gates import Gate
from soma.context.goal_context import GoalContext
from soma.context.handled import DecisionContext, EventContext, InvocationContext, TransitionContext
from soma.context.memory_context import MemoryContext
from soma.context.plan_context import PlanContext, Trigger
from soma.context.platform_context import HookContext, PlatformContext
from soma.context.result_context import ResultContext
from soma.context.task_context import TaskContext
from soma.context.working_memory import WorkingMemory
from soma.define.agents import Agent, Planner, Tool, Worker
from soma.define.definition import Capability
from soma.define.event import EventDefinition
from soma.machine.state_machine import Action, Machine, State, Transition, define_state_machine
from soma.problem import Problem
from soma.run.runtime import RunningAgent

__all__ = [
    "Action",
    "Agent",
    "Capability",
    "DecisionContext",
    "EventContext",
    "EventDefinition",
    "Gate",
    "GoalContext",
    "GroupView",
    "HookContext",
    "InvocationContext",
    "Machine",
    "MemoryContext",
    "PlanContext",
    "Planner",
    "PlatformContext",
    "Problem",
    "ResultContext",
    "RunningAgent",
    "Spec",
    "State",
    "TaskContext",
    "Tool",
    "Transition",
    "TransitionContext",
    "Trigger",
    "Worker",
    "WorkingMemory",
    "define_state_machine",
]
